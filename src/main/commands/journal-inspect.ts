/** `understudy journal inspect`: what is in a journal, and whether it adds up. */
import type { Departure } from '../../record/journal/departures.ts';
import { isSound } from '../../record/journal/journal-check.ts';
import { type JournalSummary, summariseJournal } from '../../record/journal/journal-summary.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { bytesInWords } from '../bytes-in-words.ts';
import { findJournal, type JournalOptions } from './journal-place.ts';

export interface InspectOptions extends JournalOptions {
  readonly json: boolean;
  /** Reads the whole file as well. */
  readonly check: boolean;
}

/** @returns exit code: 1 when it is damaged or does not add up */
export async function inspectJournal(options: InspectOptions): Promise<number> {
  const path = await findJournal(options);
  const sound = options.check ? isSound(path) : null;
  const summary = summariseJournal(path);
  const text = options.json
    ? `${toPrintableJson({ ...summary, sound })}\n`
    : `${renderSummary(summary, sound).join('\n')}\n`;
  process.stdout.write(text);
  return sound === false || summary.addsUp === false ? 1 : 0;
}

/** Lines for a person; counts by hour are in the JSON alone. */
export function renderSummary(summary: JournalSummary, sound: boolean | null): string[] {
  const { pairs, outbox, epochs, quarantined } = summary;
  const lines: [string, string][] = [
    ['journal', summary.path],
    ['schema', `${summary.schema}, generation ${summary.generation}`],
    ['size', `${bytesInWords(summary.fileBytes)}, WAL ${bytesInWords(summary.walBytes)}`],
    ['pairs', describePairs(summary)],
    ...heldByCandidate(summary).map(([name, text]): [string, string] => [`  ${name}`, text]),
    ['recorded', `${count(pairs.recorded)} ever: ${describeSum(summary)}`],
    ['outbox', describeOutbox(outbox)],
    ['dead letters', count(summary.deadLetters)],
    ['analysis', describeAnalysis(summary.unanalysed)],
    ['id conflicts', count(summary.idConflicts)],
    ['gateways', `${epochs.live} live, ${epochs.clean} ended, ${epochs.unclean} ended unclean`],
    ...legsByState(summary).map(([name, text]): [string, string] => [`  ${name}`, text]),
    ['set aside', quarantined.length === 0 ? 'nothing' : ''],
    ...quarantined.map(({ name, bytes }): [string, string] => [
      '',
      `${name}, ${bytesInWords(bytes)}`,
    ]),
  ];
  if (sound !== null) lines.push(['check', sound ? 'sound' : 'DAMAGED: understudy journal repair']);
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`.trimEnd());
}

function describePairs({ pairs }: JournalSummary): string {
  if (pairs.held === 0) return 'none';
  const { held, firstSeq, lastSeq, oldest, newest } = pairs;
  return `${count(held)}, sequences ${firstSeq} to ${lastSeq}, exchanges of ${oldest} to ${newest}`;
}

function heldByCandidate({ held }: JournalSummary): [string, string][] {
  const sums = new Map<string, number>();
  for (const { candidate, experiment, pairs } of held) {
    const name = `${candidate} (${experiment})`;
    sums.set(name, (sums.get(name) ?? 0) + pairs);
  }
  return [...sums].map(([name, pairs]) => [name, count(pairs)]);
}

function describeSum({ left, pairs, addsUp }: JournalSummary): string {
  if (left === null) return 'what has left is not counted in this schema';
  const parts = Object.entries(left).filter(([, { count: gone }]) => gone > 0);
  const gone = parts.map(([why, departure]) => describeDeparture(why, departure));
  const sum = [`${count(pairs.held)} held`, ...gone].join(' + ');
  return addsUp === true ? `${sum}  ✓` : `${sum}  ✗ does not add up`;
}

function describeDeparture(
  why: string,
  { count: gone, unpublished, unanalysed }: Departure,
): string {
  const notes = [
    ...(unpublished > 0 ? [`${count(unpublished)} unpublished`] : []),
    ...(unanalysed > 0 ? [`${count(unanalysed)} unanalysed`] : []),
  ];
  return `${count(gone)} ${why}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function describeOutbox({ pairs, firstSeq, oldest }: JournalSummary['outbox']): string {
  return pairs === 0
    ? 'empty'
    : `${count(pairs)} wait for Kafka, from sequence ${firstSeq}, ${oldest}`;
}

function describeAnalysis(unanalysed: number | null): string {
  return unanalysed === null ? 'has not read this journal' : `${count(unanalysed)} pairs not read`;
}

function legsByState({ legs }: JournalSummary): [string, string][] {
  const sums = new Map<string, Map<string, number>>();
  for (const { candidate, route, state, reason, legs: n } of legs) {
    if (n === 0) continue;
    const states = sums.get(`${candidate}/${route}`) ?? new Map<string, number>();
    const name = reason === '' ? state : `${state}(${reason})`;
    states.set(name, (states.get(name) ?? 0) + n);
    sums.set(`${candidate}/${route}`, states);
  }
  return [...sums].map(([name, states]) => {
    return [name, [...states].map(([state, n]) => `${count(n)} ${state}`).join(', ')];
  });
}

function count(n: number): string {
  return n.toLocaleString('en-GB');
}
