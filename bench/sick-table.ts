/** What the `sick` suite found, as text, 110 columns wide. Pure. */

/** Callers' latency in one slice of the load. */
export interface Slice {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Exchanges that failed. */
  readonly errors: number;
}

/** Both sides of a round, one right after the other. */
export interface SickRound {
  readonly off: Slice;
  readonly on: Slice;
}

export interface SickResult {
  readonly number: string;
  readonly title: string;
  readonly rounds: readonly SickRound[];
  /** MiB at the highest. */
  readonly gatewayMiB: number;
  readonly mirrorMiB: number;
  /** 0 to 1; `null`: there were no copies. */
  readonly coverage: number | null;
  /** Both kinds by state and reason, warm-up and slices with the mirror off included. */
  readonly exchanges: Readonly<Record<string, number>>;
  readonly copies: Readonly<Record<string, number>>;
  /** What did not come to rest, or balance; empty: all of it did. */
  readonly unsettled: string;
}

const HEAD = `${'candidate'.padEnd(34)} p50 off     on   diff p99 off     on   diff failed  gw MiB mirror  cover`;

/** @param results - with at least one round each; those without are said to be missing */
export function renderSick(results: readonly SickResult[]): string {
  return [HEAD, ...results.flatMap(renderOne)].join('\n');
}

function renderOne(result: SickResult): string[] {
  const { number, title, rounds, coverage, exchanges, copies, unsettled } = result;
  const name = `${number} ${title}`.padEnd(34);
  if (rounds.length === 0) return [`${name} not measured: out of time`];
  const side = (read: (slice: Slice) => number): string =>
    [
      number2(medianOf(rounds.map(({ off }) => read(off)))).padStart(8),
      number2(medianOf(rounds.map(({ on }) => read(on)))),
      number2(meanOf(rounds.map(({ off, on }) => read(on) - read(off)))),
    ].join('');
  const failed = rounds.reduce((sum, { off, on }) => sum + off.errors + on.errors, 0);
  const covered = coverage === null ? '–' : `${(coverage * 100).toFixed(0)} %`;
  const cells = [
    side(({ p50Ms }) => p50Ms),
    side(({ p99Ms }) => p99Ms),
    String(failed).padStart(7),
    String(Math.round(result.gatewayMiB)).padStart(8),
    String(Math.round(result.mirrorMiB)).padStart(7),
    covered.padStart(7),
  ];
  const books = unsettled === '' ? 'books balance' : `NOT AT REST: ${unsettled}`;
  const states = `exchanges: ${listOf(exchanges)}; copies: ${listOf(copies)}; ${books}`;
  return [`${name}${cells.join('')}`, `     ${states}`];
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([state, count]) => `${state} ${count}`)
    .join(', ');
}

function number2(value: number): string {
  return value.toFixed(2).padStart(7);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}
