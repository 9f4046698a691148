/** Guardrails over event time: the mean up to each of some moments, with its band. Pure. */
import type { Analysis } from '../analysis.ts';
import { CutState } from '../cut-state.ts';
import type { GuardrailKind } from '../plan.ts';
import { Judge } from '../verdict.ts';

/** Moments that are shown, evenly spaced among the cuts. */
const MOMENTS = 24;

export interface TimePoint {
  readonly guardrail: GuardrailKind;
  /** Unix ms, event time: end of a cut. */
  readonly atMs: number;
  readonly n: number;
  /** Mean loss from the start to here. */
  readonly mean: number;
  /** Two-sided, holds at every n. */
  readonly band: readonly [number, number];
  /** Mean loss since the moment before; `null`: no pair in between. */
  readonly lately: number | null;
}

/** @param untilMs - last closed cut, Unix ms */
export function overTime(analysis: Analysis, untilMs: number): TimePoint[] {
  const { plan } = analysis;
  const judge = new Judge(plan);
  const starts = [...analysis.stretches]
    .filter(([startMs, states]) => startMs < untilMs && states.has(''))
    .sort(([a], [b]) => a - b);
  const per = Math.ceil(starts.length / MOMENTS);
  const points: TimePoint[] = [];
  const sum = new CutState(plan.guardrails.length);
  let before = plan.guardrails.map(() => ({ n: 0, sum: 0 }));
  for (const [i, [startMs, states]] of starts.entries()) {
    const state = states.get('');
    if (state !== undefined) sum.merge(state);
    if ((i + 1) % per !== 0 && i !== starts.length - 1) continue;
    const now = sum.losses.map((losses) => losses.totals());
    for (const [j, guardrail] of plan.guardrails.entries()) {
      const totals = now[j];
      const told = judge.explain(guardrail, sum);
      if (told === null || totals === undefined || totals.n === 0) continue;
      const last = before[j] ?? { n: 0, sum: 0 };
      points.push({
        guardrail: guardrail.kind,
        atMs: startMs + plan.cutMs,
        n: totals.n,
        mean: totals.sum / totals.n,
        band: told.band,
        lately: totals.n === last.n ? null : (totals.sum - last.sum) / (totals.n - last.n),
      });
    }
    before = now.map(({ n, sum: total }) => ({ n, sum: total }));
  }
  return points;
}
