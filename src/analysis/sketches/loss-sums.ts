/**
 * (n, S, V) of one bounded loss: all that its test needs, a commutative monoid.
 *
 * S is the exact sum of the losses in 2^-40 units; V the exact sum of their squares, each rounded up to a unit.
 */
import { requireThat } from '../statistics/domain.ts';
import type { LossTotals } from '../statistics/empirical-bernstein.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { ExactSums } from './exact-sums.ts';
import { FIXED_ONE, squareUnits, toFixedPoint } from './fixed-point.ts';

const SUM = 0;
const SQUARES = 1;

export class LossSums {
  #n = 0;
  #sums = new ExactSums(2);

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
    this.#sums.add(SUM, units);
    this.#sums.add(SQUARES, square);
  }

  merge(other: LossSums): void {
    this.#n += other.#n;
    this.#sums.merge(other.#sums);
  }

  /** As the tests take them: in the unit of the loss, each rounded once to a double. */
  totals(): LossTotals {
    return {
      n: this.#n,
      sum: this.#sums.toNumber(SUM) / FIXED_ONE,
      squares: this.#sums.toNumber(SQUARES) / FIXED_ONE,
    };
  }

  encode(writer: ByteWriter): void {
    writer.count(this.#n);
    this.#sums.encode(writer);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): LossSums {
    const state = new LossSums();
    state.#n = reader.count();
    state.#sums = ExactSums.decode(reader);
    requireThat(state.#sums.length === 2, 'length', state.#sums.length, '2 sums');
    return state;
  }
}
