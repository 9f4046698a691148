/** Discovered segments that are worse than their margins: alarms, never verdicts. Pure. */
import { type Analysis, DISCOVERY_BUCKETS, WHOLE } from '../analysis.ts';
import { createGuardrailTest } from '../assess.ts';
import { type GuardrailKind, isTested } from '../plan.ts';
import { eBenjaminiHochberg } from '../statistics/e-benjamini-hochberg.ts';
import { Judge } from '../verdict.ts';

/** Alarms that are shown. */
const SHOWN = 20;

export interface Alarm {
  readonly pointer: string;
  /** Values of the pointer are told apart by their hash, in 256 buckets. */
  readonly bucket: number;
  /** Values that were seen in the bucket, with their pairs. */
  readonly values: readonly { readonly value: string; readonly pairs: number }[];
  /** Pairs of further values, which are not named. */
  readonly otherPairs: number;
  readonly guardrail: GuardrailKind;
  readonly margin: number;
  readonly n: number;
  readonly mean: number;
  /** Of the band that holds at every n. */
  readonly low: number;
}

/**
 * e-BH at the plan's level over every bucket that can occur and every tested guardrail; ranked by n times the lower
 * bound, the losses that are sure.
 *
 * Source: Wang & Ramdas 2022, "False discovery rate control with e-values".
 */
export function findAlarms(analysis: Analysis): Alarm[] {
  const { plan } = analysis;
  const states = [...(analysis.stretches.get(WHOLE) ?? [])];
  if (states.length === 0) return [];
  const judge = new Judge(plan);
  const levels = { alphaPass: plan.alphaPass, alphaFail: plan.alphaAlarm, tests: 1 };
  const tests = plan.guardrails.flatMap((guardrail, index) =>
    isTested(guardrail.kind) ? [{ index, test: createGuardrailTest(guardrail, levels) }] : [],
  );
  const cases = states.flatMap(([key, state]) =>
    tests.flatMap(({ index, test }) => {
      const totals = state.losses[index]?.totals();
      if (totals === undefined || totals.n === 0) return [];
      return [{ key, state, totals, guardrail: test.guardrail, logFail: test.logFail(totals) }];
    }),
  );
  // Buckets without pairs are hypotheses, too, with no evidence: how many there are must not depend on the data.
  const planned = plan.discover.length * DISCOVERY_BUCKETS * tests.length;
  const logs = cases.map(({ logFail }) => logFail);
  while (logs.length < planned) logs.push(Number.NEGATIVE_INFINITY);
  const isAlarm = eBenjaminiHochberg(logs, plan.alphaAlarm);
  return cases
    .filter((_, i) => isAlarm[i])
    .map(({ key, state, totals, guardrail }): Alarm => {
      const at = key.lastIndexOf(':');
      return {
        pointer: key.slice('found:'.length, at),
        bucket: Number(key.slice(at + 1)),
        values: (analysis.values.get(key)?.entries() ?? []).map(([value, pairs]) => {
          return { value, pairs };
        }),
        otherPairs: analysis.values.get(key)?.others ?? 0,
        guardrail: guardrail.kind,
        margin: guardrail.margin,
        n: totals.n,
        mean: totals.sum / totals.n,
        low: judge.explain(guardrail, state)?.band[0] ?? 0,
      };
    })
    .sort((a, b) => b.n * b.low - a.n * a.low)
    .slice(0, SHOWN);
}
