/**
 * (n, S, V) of one bounded loss: all that its test needs, a commutative monoid.
 *
 * S is the exact sum of the losses in 2^-40 units; V the exact sum of their squares, each rounded up to a unit.
 */
import { requireThat } from '../statistics/domain.ts';
import type { LossTotals } from '../statistics/empirical-bernstein.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { ExactSum } from './exact-sum.ts';
import { FIXED_ONE, squareUnits, toFixedPoint } from './fixed-point.ts';

/** Sums in the encoding: that of the losses, that of their squares. */
const SUMS = 2;

export class LossSums {
  #n = 0;
  #sum = new ExactSum();
  #squares = new ExactSum();

  get n(): number {
    return this.#n;
  }

  /**
   * Adds one loss.
   *
   * @param loss - relative to its constant centre, in [-64, 64]; usually [-1, 1]
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` outside that, and on NaN; nothing is added then
   */
  add(loss: number): void {
    const units = toFixedPoint(loss);
    this.addUnits(units, squareUnits(units));
  }

  /** The same with both computed before: for a loss that is added to several sums. */
  addUnits(units: number, square: number): void {
    this.#n += 1;
    this.#sum.add(units);
    this.#squares.add(square);
  }

  merge(other: LossSums): void {
    this.#n += other.#n;
    this.#sum.merge(other.#sum);
    this.#squares.merge(other.#squares);
  }

  /** As the tests take them: in the unit of the loss, each rounded once to a double. */
  totals(): LossTotals {
    return {
      n: this.#n,
      sum: Number(this.#sum.value) / FIXED_ONE,
      squares: Number(this.#squares.value) / FIXED_ONE,
    };
  }

  encode(writer: ByteWriter): void {
    writer.count(this.#n);
    writer.count(SUMS);
    writer.integer(this.#sum.value);
    writer.integer(this.#squares.value);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): LossSums {
    const state = new LossSums();
    state.#n = reader.count();
    const length = reader.count();
    requireThat(length === SUMS, 'length', length, '2 sums');
    state.#sum = ExactSum.of(reader.integer());
    state.#squares = ExactSum.of(reader.integer());
    return state;
  }
}
