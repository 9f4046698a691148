/** What is known of a guardrail, in a sentence that a product owner understands. Pure. */
import type { Assessment, Explanation } from './assess.ts';
import type { ExperimentPlan, GuardrailKind } from './plan.ts';

/** @param explanation - `null` for the contract */
export function evidenceSentence(
  assessment: Assessment,
  explanation: Explanation | null,
  plan: ExperimentPlan,
): string {
  const where = assessment.segment === '' ? '' : `in segment ${assessment.segment}: `;
  return where + sentenceOf(assessment, explanation, plan);
}

function sentenceOf(
  { kind: judged, margin, n, mean, state }: Assessment,
  explanation: Explanation | null,
  plan: ExperimentPlan,
): string {
  // Those of quality have sentences of their own (quality/quality-evidence.ts).
  const kind = judged as GuardrailKind;
  if (n === 0) return `${nameOf(kind, plan)}: no pair says anything of it yet`;
  const pairs = `${count(n)} pairs`;
  if (explanation === null) {
    const broken = Math.round(mean * n);
    return broken === 0
      ? `no answer broke the contract in ${pairs}, none may`
      : `${count(broken)} of ${pairs} broke the contract, none may`;
  }
  const name = nameOf(kind, plan);
  const limit = `limit ${amount(kind, margin)}`;
  if (state === 'fail') {
    const confidence = percent(1 - plan.alphaFail);
    return `${name} ${amount(kind, mean)} after ${pairs}: over its limit with ${confidence} confidence, ${limit}`;
  }
  const confidence = `with ${percent(1 - plan.alphaPass)} confidence`;
  // Without planned pairs the test at the margin is another one than the bound: never do they contradict in words.
  const isBelow = explanation.upper <= margin;
  if (state === 'pass' && !isBelow) {
    return `${name} ${amount(kind, mean)} after ${pairs}: within its limit ${confidence}, ${limit}`;
  }
  if (state === 'open' && isBelow) {
    return `${name} ${amount(kind, mean)} so far; ${pairs} do not quite show it, ${limit}`;
  }
  if (!Number.isFinite(explanation.upper) || explanation.upper > 1) {
    return `${name} ${amount(kind, mean)} so far; ${pairs} bound nothing yet, ${limit}`;
  }
  return `${name} ≤ ${amount(kind, explanation.upper)} ${confidence} after ${pairs}, ${limit}`;
}

function nameOf(kind: GuardrailKind, plan: ExperimentPlan): string {
  switch (kind) {
    case 'contract':
      return 'broken contract';
    case 'errors':
      return 'failures beyond the incumbent’s';
    case 'label_flips':
      return 'flips';
    case 'outside_tolerance':
      return 'scores outside tolerance';
    case 'score_bias_up':
      return 'mean score higher by';
    case 'score_bias_down':
      return 'mean score lower by';
    case 'score_difference':
      return 'mean score difference';
    case 'latency_over_objective':
      return `answers over ${plan.objectiveMs} ms beyond the incumbent’s`;
    case 'latency_slower':
      return `answers slower by ${plan.slowerByMs} ms`;
  }
}

/** Shares in percent, scores as shares of their range. */
function amount(kind: GuardrailKind, value: number): string {
  return kind.startsWith('score_') ? String(Number(value.toPrecision(3))) : percent(value);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function count(n: number): string {
  return n.toLocaleString('en-GB');
}
