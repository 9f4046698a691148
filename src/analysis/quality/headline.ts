/** The question that a cutover is decided by, and its answer: "10 % better on false positives, under 50 ms?" Pure. */
import type { ExperimentPlan, JudgedKind } from '../plan.ts';

export interface Headline {
  readonly question: string;
  /** `yes`: all of it is shown; `no`: some of it is refuted; `open`: neither. */
  readonly answer: 'yes' | 'no' | 'open';
  /** One sentence a part of the question. */
  readonly parts: readonly {
    readonly state: 'pass' | 'fail' | 'open';
    readonly sentence: string;
  }[];
}

export const ANSWERS: Readonly<Record<Headline['answer'], string>> = {
  yes: 'Yes.',
  no: 'No.',
  open: 'Not yet known.',
};

interface Told {
  readonly guardrail: JudgedKind;
  readonly segment: string;
  readonly state: 'pass' | 'fail' | 'open';
  readonly sentence: string;
}

/** What the question is made of, in the order in which it is answered. */
const PARTS: readonly JudgedKind[] = [
  'false_positives_at_recall',
  'recall_at_threshold',
  'latency_over_objective',
];

/** @returns `null` where nobody asks for fewer false positives */
export function toHeadline(plan: ExperimentPlan, evidence: readonly Told[]): Headline | null {
  const { quality, candidate, objectiveMs } = plan;
  if (quality === undefined || quality.fewerFalsePositives === 0) return null;
  const parts = PARTS.flatMap((kind) =>
    evidence.filter(({ guardrail, segment }) => guardrail === kind && segment === ''),
  );
  const share = Number((quality.fewerFalsePositives * 100).toPrecision(3));
  const isTimed = plan.guardrails.some(({ kind }) => kind === 'latency_over_objective');
  const under = isTimed ? `, under ${objectiveMs} ms` : '';
  const asked = quality.guardrails.filter(({ kind }) => PARTS.includes(kind)).length;
  const isWhole = parts.length === asked + Number(isTimed);
  const isNo = parts.some(({ state }) => state === 'fail');
  const isYes = isWhole && parts.every(({ state }) => state === 'pass');
  return {
    question: `Is ${candidate} ${share} % better on false positives${under}?`,
    answer: isNo ? 'no' : isYes ? 'yes' : 'open',
    parts: parts.map(({ state, sentence }) => ({ state, sentence })),
  };
}
