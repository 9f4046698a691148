/**
 * Verdicts at the cuts of one plan, in order, with the sums they stand on: a further cut costs its own stretch, not all
 * of those before it. A function of the states alone; who changes an earlier state begins anew.
 */
import { CutState } from './cut-state.ts';
import type { ExperimentPlan } from './plan.ts';
import type { QualityBook } from './quality/quality-book.ts';
import { type Coverage, type CutVerdict, Judge, type QualityInput } from './verdict.ts';

type Stretches = ReadonlyMap<number, ReadonlyMap<string, CutState>>;

export class JudgedCuts {
  readonly #plan: ExperimentPlan;
  readonly #judge: Judge;
  readonly #keys: readonly string[];
  /** Of all pairs, and of each named segment. */
  readonly #sums: readonly CutState[];
  readonly #firstMs: number;
  readonly #verdicts: CutVerdict[] = [];
  #window: CutState;
  #windowNumber = 1;
  #endMs: number;
  readonly #qualityAt: (cutMs: number) => { readonly quality?: QualityInput };

  /**
   * @param quality - what outcomes say; `null`: nothing
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on margins and levels outside their ranges
   */
  constructor(plan: ExperimentPlan, quality: QualityBook | null) {
    this.#qualityAt = qualityCursor(quality);
    this.#plan = plan;
    this.#judge = new Judge(plan);
    this.#keys = ['', ...plan.segments.map(({ name }) => `named:${name}`)];
    this.#sums = this.#keys.map(() => new CutState(plan.guardrails.length));
    this.#window = new CutState(plan.guardrails.length);
    this.#firstMs = Math.floor(Date.parse(plan.startedAt) / plan.cutMs) * plan.cutMs;
    this.#endMs = this.#firstMs;
  }

  /** The last cut that is judged, Unix ms: stretches from here on are not in it. */
  get endMs(): number {
    return this.#endMs;
  }

  /** Judges on. @param lastMs - Unix ms, the last cut of interest */
  upTo(
    lastMs: number,
    of: { readonly stretches: Stretches; readonly coverageAt: (cutMs: number) => Coverage },
  ): readonly CutVerdict[] {
    const { cutMs } = this.#plan;
    while (this.#endMs + cutMs <= lastMs) {
      this.#take(of.stretches.get(this.#endMs));
      this.#endMs += cutMs;
      const [all, ...segments] = this.#sums;
      if (all === undefined) break;
      const at = { cutMs: this.#endMs, all, segments };
      const window = { window: this.#window, windowNumber: this.#windowNumber };
      const coverage = of.coverageAt(this.#endMs);
      this.#verdicts.push(
        this.#judge.judge({ ...at, ...window, coverage, ...this.#qualityAt(this.#endMs) }),
      );
    }
    return this.#verdicts.slice();
  }

  /** Adds the next stretch. */
  #take(states: ReadonlyMap<string, CutState> | undefined): void {
    const { windowMs, guardrails } = this.#plan;
    const number = Math.floor((this.#endMs - this.#firstMs) / windowMs) + 1;
    if (number !== this.#windowNumber) this.#window = new CutState(guardrails.length);
    this.#windowNumber = number;
    for (const [i, key] of this.#keys.entries()) {
      const state = states?.get(key);
      if (state === undefined) continue;
      this.#sums[i]?.merge(state);
      if (key === '') this.#window.merge(state);
    }
  }
}

/** What outcomes say at a cut; each cut in turn. */
function qualityCursor(
  book: QualityBook | null,
): (cutMs: number) => { readonly quality?: QualityInput } {
  if (book === null) return () => ({});
  const tallyAt = book.cursor();
  const { calibration, leftOut } = book;
  return (cutMs) => ({
    quality: {
      tally: tallyAt(cutMs),
      isThresholdKnown: book.isThresholdKnown(cutMs),
      calibrationPositives: calibration.positives,
      leftOut,
    },
  });
}
