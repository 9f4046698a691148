/** A plan in words. */
import type { Config } from '../config/types.ts';
import { bytesInWords } from './bytes-in-words.ts';
import { MEASURED } from './measured.ts';
import type { Plan, PlanInput } from './plan.ts';

export function renderCost(config: Config, input: PlanInput, plan: Plan): string {
  const { rps, predictions } = input;
  const lines = [
    `At ${count(rps)} requests a second, spread evenly over ${many(config.routes.length, 'route')}, ` +
      `${many(predictions, 'prediction')} an answer:`,
    '',
  ];
  for (const candidate of plan.candidates) {
    const held = candidate.asked - candidate.sent;
    const parts = [`${count(candidate.sent)} copies/s`];
    if (candidate.most > candidate.asked) {
      parts.push(`up to ${count(candidate.most)} by its rules`);
    }
    if (held > 1e-9) parts.push(`${count(held)}/s held back by its caps: lost, coverage falls`);
    if (Number.isFinite(candidate.latencyMsMax)) {
      parts.push(`keeps up while it answers within ${count(candidate.latencyMsMax)} ms`);
    }
    lines.push(row(`candidate ${candidate.name}`, parts.join('; ')));
  }
  const sections: [string, string][] = [
    [
      'CPU',
      `gateways ${percent(plan.gatewayCores)} of a core, mirror ${percent(plan.mirrorCores)}`,
    ],
    [
      'memory, gateways',
      `${bytesInWords(plan.gatewayBytes)} at their caps, ${many(config.gateway.processes, 'process', 'es')}`,
    ],
    ['memory, mirror', `${bytesInWords(plan.mirrorBytes)} at its caps`],
    ['memory, others', bytesInWords(plan.otherBytes + plan.modelBytes)],
    ['journal', journalInWords(config, plan)],
    ['Kafka', kafkaInWords(config, plan)],
  ];
  for (const [name, text] of sections) lines.push(row(name, text));
  lines.push('', 'Counted with, right to a factor of about two on another machine:');
  for (const { value, unit, where } of Object.values(MEASURED)) {
    lines.push(`  ${amount(value, unit)}`, `            ${where}`);
  }
  return `${lines.join('\n')}\n`;
}

function journalInWords({ journal }: Config, plan: Plan): string {
  const perDay = `${bytesInWords(plan.journalBytesPerDay)} a day`;
  const cap = bytesInWords(journal.maxBytes);
  if (plan.daysUntilJournalCap === null) {
    return `${perDay}; ${bytesInWords(plan.journalBytesHeld)} with its retention, the cap of ${cap} is not reached`;
  }
  return `${perDay}; the cap of ${cap} is reached in ${timeInWords(plan.daysUntilJournalCap)}, before retention frees room: raise journal.maxBytes, or shorten journal.retentionMs`;
}

function kafkaInWords({ kafka }: Config, plan: Plan): string {
  if (kafka === null) return 'none';
  const { kafkaBytesPerSecond: bytes } = plan;
  return `${bytesInWords(bytes)} a second before compression, ${bytesInWords(bytes * 86_400)} a day, times its replicas`;
}

/** `920 bytes a pair`, `113 MiB of a gateway`. */
function amount(value: number, unit: string): string {
  const isLarge = unit.startsWith('bytes ') && value >= 1024 * 1024;
  if (!isLarge) return `${String(value).padStart(9)} ${unit}`;
  return `${bytesInWords(value).padStart(9)} ${unit.slice('bytes '.length)}`;
}

function timeInWords(days: number): string {
  return days < 2 ? `${count(days * 24)} hours` : `${count(days)} days`;
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(20)} ${text}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

function many(number: number, word: string, plural = 's'): string {
  return `${count(number)} ${word}${number === 1 ? '' : plural}`;
}

/** Three digits are more than an estimate knows. */
function count(value: number): string {
  return String(Number(value.toPrecision(3)));
}
