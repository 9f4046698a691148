/** The demo's summary as text, at most 100 columns. Pure. */
import type { CandidateWaterfall } from '../admin/waterfall.ts';
import type { Pair } from '../pair/pair.ts';
import { toReadableJson } from './json-text.ts';
import type { Spread } from './quantile.ts';
import { agreementOf, type Quality, ratesOf, type Summary } from './summary.ts';
import {
  alignRows,
  COLUMNS,
  escapeTerminal,
  formatCount,
  formatNumber,
  formatShare,
  type Styles,
} from './terminal.ts';

/** What the replaying client saw, on its side. */
export interface ClientView {
  readonly sent: number;
  /** Answers with status 200. */
  readonly answered: number;
  /** Answers that a pair was recorded of. */
  readonly paired: number;
  /** Answers whose score, label and version are those of the incumbent on the pair. */
  readonly asRecorded: number;
  readonly seconds: number;
  /** Milliseconds, sent → last byte. */
  readonly latency: Spread;
}

/** What became of the copies, as the waterfall has it. */
export type Coverage = Pick<CandidateWaterfall, 'observed' | 'lost' | 'coverage'>;

const LOST = ['', 'the books below say why; callers had their answers all the same'] as const;

/** `Title ─────…`, as wide as the page. */
export function heading(title: string, styles: Styles): string {
  return `\n${styles.bold(title)} ${styles.dim('─'.repeat(COLUMNS - title.length - 1))}`;
}

export function renderExchanges(client: ClientView, coverage: Coverage): string[] {
  const perSecond = formatNumber(client.sent / client.seconds, 0);
  return alignLeft([
    [
      'Exchanges',
      `${formatCount(client.sent)} sent in ${formatNumber(client.seconds, 0)} s (${perSecond}/s), ` +
        `${formatCount(client.answered)} answered 200`,
    ],
    [
      'Coverage',
      `${formatShare(coverage.coverage ?? Number.NaN, 2)}: ${formatCount(coverage.observed)} copies observed, ` +
        `${formatCount(coverage.lost)} lost`,
    ],
    ...(coverage.lost === 0 ? [] : [LOST]),
    [
      'Unchanged',
      `${formatCount(client.asRecorded)} answers as the callers got them agree with the pairs`,
    ],
  ]);
}

/** Two columns, both to the left. */
function alignLeft(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
}

export function renderAgreement(summary: Summary): string[] {
  const { agreed, flips } = agreementOf(summary.confusion);
  const [first, second] = summary.labels.map(escapeTerminal) as [string, string];
  const [low, high] = summary.confusion;
  const table = alignRows([
    ['', `candidate ${first}`, `candidate ${second}`],
    [`incumbent ${first}`, formatCount(low[0]), formatCount(low[1])],
    [`incumbent ${second}`, formatCount(high[0]), formatCount(high[1])],
  ]);
  const lines = [
    `  ${formatShare(agreed / (agreed + flips), 2)} of labels agree; flips: ${formatCount(flips)} ` +
      `(${formatCount(low[1])} ${first} → ${second}, ${formatCount(high[0])} ${second} → ${first})`,
    '',
    ...table,
  ];
  const uncompared = [
    [summary.candidateErrors, 'candidate errors'],
    [summary.candidateTimeouts, 'candidate timeouts'],
    [summary.unreadable, 'pairs with an unreadable prediction'],
  ].filter(([count]) => count !== 0);
  if (uncompared.length > 0) {
    lines.push('', `  not compared: ${uncompared.map((pair) => pair.join(' ')).join(', ')}`);
  }
  return lines;
}

export function renderScoreDifference({ score }: Summary): string[] {
  const { absolute } = score;
  return [
    ...alignRows([
      ['', 'mean', 'p50', 'p95', 'p99', 'max'],
      ['candidate − incumbent', formatNumber(score.mean, 4)],
      [
        'absolute',
        formatNumber(score.meanAbsolute, 4),
        ...[absolute.p50, absolute.p95, absolute.p99, absolute.max].map((v) => formatNumber(v, 4)),
      ],
    ]),
  ];
}

export function renderLatency({ latency }: Summary, client: ClientView): string[] {
  const row = (label: string, { p50, p95, p99 }: Spread): string[] => [
    label,
    ...[p50, p95, p99].map((ms) => formatNumber(ms, 2)),
  ];
  const lines = alignRows([
    ['milliseconds', 'p50', 'p95', 'p99'],
    row('caller (through the gateway)', client.latency),
    row('incumbent', latency.incumbent),
    row('candidate', latency.candidate),
    row('copy waiting for its dispatch', latency.queue),
  ]);
  if (latency.leftOut > 0) {
    lines.push(`  ${formatCount(latency.leftOut)} pairs with a flag are left out of the latencies`);
  }
  return lines;
}

export function renderQuality(summary: Summary): string[] {
  const row = (label: string, quality: Quality): string[] => {
    const { alert, precision, recall } = ratesOf(quality);
    return [
      label,
      formatShare(alert),
      formatShare(precision),
      formatShare(recall),
      formatCount(quality.truePositives),
      formatCount(quality.falsePositives),
    ];
  };
  const { truePositives, falseNegatives } = summary.quality.incumbent;
  const { incumbent, candidate } = summary.quality;
  const positives = formatCount(truePositives + falseNegatives);
  const label = escapeTerminal(summary.labels[1]);
  return [
    ...alignRows([
      ['', 'flagged', 'precision', 'recall', 'found', 'false alarms'],
      row('incumbent', incumbent),
      row('candidate', candidate),
    ]),
    '',
    `  These loans are history, so their outcomes are known: ${positives} turned out ${label}.`,
    '  Counts of one sample, each model at its own threshold. Whether it is more than chance comes next.',
  ];
}

export function renderPair(pair: Pair): string {
  return escapeTerminal(toReadableJson(pair, COLUMNS));
}
