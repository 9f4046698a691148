/** An analysis in parts, as a store keeps them: only those that have changed are written again. */
import { Analysis } from './analysis.ts';
import { CutState, Names } from './cut-state.ts';
import { PairExamples } from './pair-examples.ts';
import { PairSample } from './pair-sample.ts';
import type { ExperimentPlan } from './plan.ts';
import { SegmentState } from './segment-state.ts';
import { ByteReader } from './sketches/byte-reader.ts';
import { ByteWriter } from './sketches/byte-writer.ts';
import { requireThat } from './statistics/domain.ts';

export const STATE_KINDS = ['cut', 'segment', 'values', 'seen', 'sample', 'examples'] as const;
export type StateKind = (typeof STATE_KINDS)[number];

export interface StateEntry {
  readonly kind: StateKind;
  /** Segment; epoch of what was seen. */
  readonly key: string;
  /** Start of the stretch; index of a chunk of what was seen; else 0. */
  readonly stretch: number;
  readonly bytes: Uint8Array;
}

interface Encodable {
  encode(writer: ByteWriter): void;
}

/** What has changed since {@link settle}. */
export function* changedEntries(analysis: Analysis): Generator<StateEntry> {
  const { touched, stretches, segments, values, seen, sample, examples } = analysis;
  for (const stretch of touched.stretches) {
    for (const [key, state] of stretches.get(stretch) ?? []) {
      yield { kind: 'cut', key, stretch, bytes: bytesOf(state) };
    }
  }
  for (const key of touched.segments) {
    const state = segments.get(key);
    if (state !== undefined) yield { kind: 'segment', key, stretch: 0, bytes: bytesOf(state) };
  }
  for (const key of touched.values) {
    const names = values.get(key);
    if (names !== undefined) yield { kind: 'values', key, stretch: 0, bytes: bytesOf(names) };
  }
  for (const { epoch, index, bits } of seen.touchedChunks()) {
    yield { kind: 'seen', key: epoch, stretch: index, bytes: bits ?? new Uint8Array() };
  }
  if (touched.sample) yield { kind: 'sample', key: '', stretch: 0, bytes: bytesOf(sample) };
  if (touched.examples) {
    yield { kind: 'examples', key: '', stretch: 0, bytes: bytesOf(examples) };
  }
}

/** The changes are on disk. */
export function settle({ touched, seen }: Analysis): void {
  touched.stretches.clear();
  touched.segments.clear();
  touched.values.clear();
  touched.sample = false;
  touched.examples = false;
  seen.settle();
}

/** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that {@link changedEntries} did not give */
export function restoreAnalysis(plan: ExperimentPlan, entries: Iterable<StateEntry>): Analysis {
  const analysis = new Analysis(plan);
  for (const { kind, key, stretch, bytes } of entries) {
    if (kind === 'seen') analysis.seen.restore(key, stretch, bytes.length === 0 ? null : bytes);
    else restorePart(analysis, { kind, key, stretch }, new ByteReader(bytes));
  }
  settle(analysis);
  return analysis;
}

function restorePart(
  analysis: Analysis,
  { kind, key, stretch }: Omit<StateEntry, 'bytes'>,
  reader: ByteReader,
): void {
  if (kind === 'sample') analysis.sample.merge(PairSample.decode(reader));
  else if (kind === 'examples') analysis.examples.merge(PairExamples.decode(reader));
  else if (kind === 'values') {
    const names = new Names();
    names.decode(reader);
    analysis.values.set(key, names);
  } else if (kind === 'segment') analysis.segments.set(key, SegmentState.decode(reader));
  else {
    const states = analysis.stretches.get(stretch) ?? new Map<string, CutState>();
    states.set(key, CutState.decode(reader));
    analysis.stretches.set(stretch, states);
  }
  requireThat(reader.done, 'bytes', 1, 'no bytes left');
}

function bytesOf(state: Encodable): Uint8Array {
  const writer = new ByteWriter();
  state.encode(writer);
  return writer.toBytes();
}
