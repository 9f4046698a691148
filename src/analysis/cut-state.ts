/**
 * What the verdict needs of the pairs of one segment in one stretch of event time: a commutative monoid of
 * integers. States of all stretches up to a cut, merged, are the state at that cut.
 */
import type { CutFacts } from './cut-facts.ts';
import type { ByteReader } from './sketches/byte-reader.ts';
import type { ByteWriter } from './sketches/byte-writer.ts';
import { LossSums } from './sketches/loss-sums.ts';
import { requireThat } from './statistics/domain.ts';

/** Counted things beside losses, in the order of their encoding. */
export const CUT_COUNTS = [
  'pairs',
  'warmUp',
  'violations',
  'incumbentFailures',
  'candidateFailures',
  'latencyLeftOut',
  'selectionMismatches',
  'versionsMissing',
] as const;
export type CutCount = (typeof CUT_COUNTS)[number];

/** Kinds of violation, and versions of a model, kept by name: the first so many in the order of their names. */
const NAMES_KEPT = 16;

export class CutState {
  #losses: readonly LossSums[];
  readonly #counts: Record<CutCount, number>;
  /** `incumbent:6.2`, `candidate:7.0` → answers. */
  readonly versions: Names = new Names();
  readonly violations: Names = new Names();

  /** @param guardrails - of the plan */
  constructor(guardrails: number) {
    this.#losses = Array.from({ length: guardrails }, () => new LossSums());
    this.#counts = Object.fromEntries(CUT_COUNTS.map((name) => [name, 0])) as Record<
      CutCount,
      number
    >;
  }

  /** One a guardrail, in the order of the plan. */
  get losses(): readonly LossSums[] {
    return this.#losses;
  }

  count(name: CutCount): number {
    return this.#counts[name];
  }

  /** Counts one pair. */
  add({ counts, versions, violation, units, squares }: CutFacts): void {
    for (const name of counts) this.#counts[name] += 1;
    for (const name of versions) this.versions.add(name);
    if (violation !== '') this.violations.add(violation);
    for (let i = 0; i < units.length; i++) {
      const each = units[i] as number;
      if (!Number.isNaN(each)) this.#losses[i]?.addUnits(each, squares[i] as number);
    }
  }

  merge(other: CutState): void {
    requireThat(
      other.losses.length === this.losses.length,
      'guardrails',
      other.losses.length,
      `${this.losses.length}`,
    );
    for (const [i, sums] of this.losses.entries()) sums.merge(other.losses[i] ?? new LossSums());
    for (const name of CUT_COUNTS) this.#counts[name] += other.#counts[name];
    this.versions.merge(other.versions);
    this.violations.merge(other.violations);
  }

  encode(writer: ByteWriter): void {
    writer.count(this.losses.length);
    for (const sums of this.losses) sums.encode(writer);
    for (const name of CUT_COUNTS) writer.count(this.#counts[name]);
    this.versions.encode(writer);
    this.violations.encode(writer);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): CutState {
    const guardrails = reader.count();
    requireThat(guardrails <= 1_000, 'guardrails', guardrails, 'at most 1,000');
    const state = new CutState(0);
    state.#losses = Array.from({ length: guardrails }, () => LossSums.decode(reader));
    for (const name of CUT_COUNTS) state.#counts[name] = reader.count();
    state.versions.decode(reader);
    state.violations.decode(reader);
    return state;
  }
}

/**
 * Names with their counts: the NAMES_KEPT smallest names, and how often there were others. Bounded, and the same in
 * any order of additions: a name that is smaller than a kept one has been kept since it came first, or was
 * counted among the others only because as many smaller ones are there.
 */
export class Names {
  /** Most stretches have no violation: then there is no map. */
  #counts: Map<string, number> | null = null;
  #others = 0;
  /** The largest kept name, where no more are kept. */
  #last: string | null = null;

  add(name: string, count = 1): void {
    this.#counts ??= new Map();
    const known = this.#counts.get(name);
    // Most names beyond those kept are larger than each of them.
    if (known === undefined && this.#last !== null && name > this.#last) {
      this.#others += count;
      return;
    }
    this.#counts.set(name, (known ?? 0) + count);
    if (known !== undefined || this.#counts.size < NAMES_KEPT) return;
    const names = [...this.#counts.keys()].sort();
    const most = names[NAMES_KEPT];
    if (most !== undefined) {
      this.#others += this.#counts.get(most) ?? 0;
      this.#counts.delete(most);
    }
    this.#last = names[NAMES_KEPT - 1] ?? null;
  }

  /** Occurrences of names that are not kept. */
  get others(): number {
    return this.#others;
  }

  /** In the order of names. */
  entries(): [name: string, count: number][] {
    return [...(this.#counts ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  merge(other: Names): void {
    this.#others += other.#others;
    for (const [name, count] of other.#counts ?? []) this.add(name, count);
  }

  encode(writer: ByteWriter): void {
    writer.count(this.#others);
    const entries = this.entries();
    writer.count(entries.length);
    for (const [name, count] of entries) {
      writer.text(name);
      writer.count(count);
    }
  }

  decode(reader: ByteReader): void {
    this.#others = reader.count();
    const size = reader.count();
    requireThat(size <= NAMES_KEPT, 'names', size, `at most ${NAMES_KEPT}`);
    for (let i = 0; i < size; i++) {
      const name = reader.text();
      this.#counts ??= new Map();
      this.#counts.set(name, reader.count());
      if (size === NAMES_KEPT) this.#last = name;
    }
  }
}
