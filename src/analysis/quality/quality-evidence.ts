/** What outcomes say of a candidate, in sentences that a product owner understands. Pure. */
import type { Assessment } from '../assess.ts';
import type { QualityExplanation } from './judge-quality.ts';
import { savedFalsePositives } from './judge-quality.ts';
import { LOG_LOSS_RANGE } from './quality-losses.ts';
import { AT_THRESHOLD, type QualityKind, type QualityPlan } from './quality-plan.ts';
import type { QualityTally } from './quality-tally.ts';

export interface QualityContext {
  readonly plan: QualityPlan;
  /** All that is mature at the cut. */
  readonly tally: QualityTally;
  readonly calibration: { readonly positives: number };
  readonly alphaPass: number;
  readonly alphaFail: number;
}

export function qualitySentence(
  assessment: Assessment,
  explanation: QualityExplanation,
  of: QualityContext,
): string {
  const kind = assessment.kind as QualityKind;
  const { n, bounded } = assessment;
  const { calibration } = of;
  if (n === 0 && AT_THRESHOLD.has(kind) && calibration.positives < of.plan.calibrationPositives) {
    return `${subjectName(kind)}: its threshold is not chosen yet, ${calibration.positives} of ${of.plan.calibrationPositives} ${of.plan.positive} outcomes that choose it`;
  }
  if (n === 0)
    return `${subjectName(kind)}: no mature pair with an outcome says anything of it yet`;
  const sentence =
    kind === 'false_positives_at_recall'
      ? savedSentence(assessment, of)
      : lossSentence(assessment, explanation, of);
  return bounded === true
    ? `${sentence}; outcomes are missing, so it is judged as if each spoke against it`
    : sentence;
}

function lossSentence(
  { kind: judged, state, mean, margin, n }: Assessment,
  { upper }: QualityExplanation,
  { plan, alphaPass, alphaFail }: QualityContext,
): string {
  const kind = judged as QualityKind;
  const name = NAMES[kind];
  const on = `on ${count(n)} ${subjectOf(kind, plan)}`;
  const limit = `limit ${amount(kind, margin)}`;
  if (state === 'fail') {
    return `${name} ${amount(kind, mean)} ${on}: over its limit with ${percent(1 - alphaFail)} confidence, ${limit}`;
  }
  const confidence = `with ${percent(1 - alphaPass)} confidence`;
  const isBelow = upper <= margin;
  if (state === 'pass' && !isBelow) {
    return `${name} ${amount(kind, mean)} ${on}: within its limit ${confidence}, ${limit}`;
  }
  if (state === 'open' && isBelow) return `${name} ${amount(kind, mean)} so far ${on}, ${limit}`;
  if (!Number.isFinite(upper) || upper > 1) {
    return `${name} ${amount(kind, mean)} so far; ${count(n)} ${subjectOf(kind, plan)} bound nothing yet, ${limit}`;
  }
  return `${name} ≤ ${amount(kind, upper)} ${confidence} ${on}, ${limit}`;
}

/** "Fewer false positives at the incumbent's recall", with its interval. */
function savedSentence({ state, bounded }: Assessment, of: QualityContext): string {
  const { plan, tally, alphaPass } = of;
  const asked = `${percent(plan.fewerFalsePositives)} fewer false positives at the incumbent’s recall`;
  const claim =
    state === 'pass'
      ? `${asked}: shown with ${percent(1 - alphaPass)} confidence`
      : state === 'fail'
        ? `${asked}: refuted with ${percent(1 - of.alphaFail)} confidence`
        : `${asked}: neither shown nor refuted yet`;
  const told = savedFalsePositives(tally.negativesAt, {
    failed: tally.failedNegativesAt,
    alpha: alphaPass,
  });
  // Of outcomes that came for some decisions alone no share can be told.
  if (told === null || bounded === true) return claim;
  const { saved, low, high } = told;
  const between = `${percent(1 - alphaPass)} interval ${fewer(low)} to ${fewer(high)}`;
  return `${claim}; it has ${fewer(saved)} (${between})`;
}

/** `5 % fewer`, `7.1 % more`. */
export function fewer(share: number): string {
  const text = percent(Math.abs(share));
  return share >= 0 ? `${text} fewer` : `${text} more`;
}

const NAMES: Readonly<Record<QualityKind, string>> = {
  recall: 'recall lower by',
  false_positive_rate: 'false-positive rate higher by',
  brier: 'Brier score higher by',
  log_loss: 'logarithmic loss higher by',
  recall_at_threshold: 'recall at its threshold lower by',
  false_positives_at_recall: 'false positives at the incumbent’s recall',
};

/** `recall lower by` → `recall` */
function subjectName(kind: QualityKind): string {
  return NAMES[kind].replace(/ (lower|higher) by$/, '');
}

function subjectOf(kind: QualityKind, { positive, negative }: QualityPlan): string {
  switch (kind) {
    case 'recall':
    case 'recall_at_threshold':
      return `${positive} outcomes`;
    case 'false_positive_rate':
    case 'false_positives_at_recall':
      return `${negative} outcomes`;
    default:
      return 'outcomes';
  }
}

function amount(kind: QualityKind, value: number): string {
  if (kind === 'brier') return String(Number(value.toPrecision(3)));
  if (kind === 'log_loss') return `${Number((value * LOG_LOSS_RANGE).toPrecision(3))} nats`;
  return `${Number((value * 100).toPrecision(3))} points`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function count(n: number): string {
  return n.toLocaleString('en-GB');
}
