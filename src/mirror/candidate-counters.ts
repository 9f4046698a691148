/** What the mirror counts of one candidate, beside the ledger: for status and metrics, since its start. */
import type { Pair } from '../pair/pair.ts';
import type { CandidateStatus } from '../record/mirror-status.ts';
import { Histogram, LATENCY_BOUNDS_SECONDS, SCORE_BOUNDS } from '../telemetry/histogram.ts';

type Counts = Pick<
  CandidateStatus,
  | 'labelFlips'
  | 'outsideTolerance'
  | 'compared'
  | 'warmUps'
  | 'violations'
  | 'incumbentSeconds'
  | 'candidateSeconds'
  | 'queueSeconds'
  | 'scoreDifference'
>;

export class CandidateCounters {
  #labelFlips = 0;
  #outsideTolerance = 0;
  #compared = 0;
  #warmUps = 0;
  readonly #violations = new Map<string, number>();
  readonly #incumbentSeconds = new Histogram(LATENCY_BOUNDS_SECONDS);
  readonly #candidateSeconds = new Histogram(LATENCY_BOUNDS_SECONDS);
  readonly #queueSeconds = new Histogram(LATENCY_BOUNDS_SECONDS);
  readonly #scoreDifference = new Histogram(SCORE_BOUNDS);

  /** A flagged pair leaves the latency histograms; one without a complete answer leaves both sides' out. */
  count(pair: Pair): void {
    const { incumbent, candidate, divergence } = pair;
    this.#queueSeconds.record(candidate.queue_ms / 1e3);
    if (pair.flags.includes('warm_up')) this.#warmUps += 1;
    if (pair.state !== 'paired') return;
    for (const kind of violationsOf(pair)) {
      this.#violations.set(kind, (this.#violations.get(kind) ?? 0) + 1);
    }
    this.#labelFlips += divergence.label_flips;
    this.#outsideTolerance += divergence.outside_tolerance;
    if (divergence.score_delta_max !== undefined) {
      this.#compared += 1;
      this.#scoreDifference.record(Math.abs(divergence.score_delta_max));
    }
    if (pair.flags.length > 0) return;
    this.#incumbentSeconds.record((incumbent.latency_ms ?? Number.NaN) / 1e3);
    this.#candidateSeconds.record((candidate.latency_ms ?? Number.NaN) / 1e3);
  }

  snapshot(): Counts {
    return {
      labelFlips: this.#labelFlips,
      outsideTolerance: this.#outsideTolerance,
      compared: this.#compared,
      warmUps: this.#warmUps,
      violations: Object.fromEntries(this.#violations),
      incumbentSeconds: this.#incumbentSeconds.snapshot(),
      candidateSeconds: this.#candidateSeconds.snapshot(),
      queueSeconds: this.#queueSeconds.snapshot(),
      scoreDifference: this.#scoreDifference.snapshot(),
    };
  }
}

/** In which ways the candidate broke the contract that the incumbent kept: words of two bounded sets. */
function violationsOf({ incumbent, candidate, divergence }: Pair): readonly string[] {
  const { error } = candidate;
  if (error === undefined || incumbent.error !== undefined) return divergence.fields;
  return [error, ...divergence.fields];
}
