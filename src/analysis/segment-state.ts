/**
 * All that a report shows of one segment over the whole experiment: a commutative monoid. The verdict itself needs
 * less and is kept by stretches of time (cut-state.ts).
 */
import type { Pair } from '../pair/pair.ts';
import { isFailed, scoreDifference } from './losses.ts';
import type { ExperimentPlan } from './plan.ts';
import type { ByteReader } from './sketches/byte-reader.ts';
import type { ByteWriter } from './sketches/byte-writer.ts';
import { DifferenceSketch } from './sketches/difference-sketch.ts';
import { LatencyHistogram } from './sketches/latency-histogram.ts';
import { requireThat } from './statistics/domain.ts';

const LABELS_KEPT = 64;

export class SegmentState {
  differences: DifferenceSketch = new DifferenceSketch();
  incumbentMs: LatencyHistogram = new LatencyHistogram();
  candidateMs: LatencyHistogram = new LatencyHistogram();
  queueMs: LatencyHistogram = new LatencyHistogram();
  /** `["good","bad"]` → predictions: label of the incumbent, of the candidate. */
  readonly labels = new Map<string, number>();

  add(pair: Pair, plan: ExperimentPlan): void {
    const { incumbent, candidate } = pair;
    if (pair.flags.length === 0) this.#addLatencies(pair);
    if (isFailed(incumbent) || isFailed(candidate)) return;
    const [low, high] = plan.scoreRange;
    for (const [i, ours] of incumbent.predictions.entries()) {
      const theirs = candidate.predictions[i];
      if (theirs === undefined) break;
      const difference = scoreDifference(ours, theirs) / (high - low);
      if (Math.abs(difference) <= 2_048) this.differences.add(difference);
      if (ours.label !== undefined && theirs.label !== undefined) {
        this.#count(JSON.stringify([String(ours.label), String(theirs.label)]), 1);
      }
    }
  }

  merge(other: SegmentState): void {
    this.differences.merge(other.differences);
    this.incumbentMs.merge(other.incumbentMs);
    this.candidateMs.merge(other.candidateMs);
    this.queueMs.merge(other.queueMs);
    for (const [labels, count] of other.labels) this.#count(labels, count);
  }

  #addLatencies({ incumbent, candidate }: Pair): void {
    if (incumbent.latency_ms === undefined || candidate.latency_ms === undefined) return;
    this.incumbentMs.add(incumbent.latency_ms);
    this.candidateMs.add(candidate.latency_ms);
    this.queueMs.add(candidate.queue_ms);
  }

  /** The first LABELS_KEPT couples in the order of their names; the others share one. */
  #count(labels: string, count: number): void {
    this.labels.set(labels, (this.labels.get(labels) ?? 0) + count);
    const named = [...this.labels.keys()].filter((name) => name !== '');
    if (named.length <= LABELS_KEPT) return;
    const last = named.sort().at(-1) ?? '';
    const moved = this.labels.get(last) ?? 0;
    this.labels.delete(last);
    this.labels.set('', (this.labels.get('') ?? 0) + moved);
  }

  encode(writer: ByteWriter): void {
    this.differences.encode(writer);
    for (const histogram of [this.incumbentMs, this.candidateMs, this.queueMs]) {
      histogram.encode(writer);
    }
    const labels = [...this.labels].sort(([a], [b]) => (a < b ? -1 : 1));
    writer.count(labels.length);
    for (const [name, count] of labels) {
      writer.text(name);
      writer.count(count);
    }
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): SegmentState {
    const state = new SegmentState();
    state.differences = DifferenceSketch.decode(reader);
    state.incumbentMs = LatencyHistogram.decode(reader);
    state.candidateMs = LatencyHistogram.decode(reader);
    state.queueMs = LatencyHistogram.decode(reader);
    const labels = reader.count();
    requireThat(labels <= LABELS_KEPT + 1, 'labels', labels, `at most ${LABELS_KEPT + 1}`);
    for (let i = 0; i < labels; i++) state.labels.set(reader.text(), reader.count());
    return state;
  }
}
