/** The verdict of an attempt as it is told: with its evidence, what is missing, and what drove it. Pure. */
import type { Analysis } from './analysis.ts';
import type { Assessment } from './assess.ts';
import type { CutState } from './cut-state.ts';
import { evidenceSentence } from './evidence.ts';
import { type History, type Standing, toHistory } from './history.ts';
import type { JudgedKind } from './plan.ts';
import { type Headline, toHeadline } from './quality/headline.ts';
import { qualitySentence } from './quality/quality-evidence.ts';
import { isQualityKind } from './quality/quality-plan.ts';
import { sumOf } from './quality/quality-tally.ts';
import type { Attempt } from './store.ts';
import { type Coverage, type CutVerdict, type Gate, Judge, type Verdict } from './verdict.ts';

export interface Evidence {
  readonly guardrail: JudgedKind;
  /** Empty: all pairs. */
  readonly segment: string;
  readonly state: Assessment['state'];
  readonly margin: number;
  /** `null`: no pair says anything of it. */
  readonly mean: number | null;
  readonly n: number;
  readonly sentence: string;
  /** Pairs until it passes if they go on like this; `null`: not in sight. */
  readonly missingPairs: number | null;
}

export interface VerdictSummary {
  readonly experiment: string;
  readonly candidate: string;
  readonly verdict: Verdict;
  /** Which attempt of the candidate, from 1, and of how many. */
  readonly attempt: number;
  readonly attempts: number;
  readonly hash: string;
  readonly profile: string;
  /** Preset of the margins; empty: an attempt of an older version. */
  readonly preset: string;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly reason: string;
  /** Empty: open. */
  readonly closedAt: string;
  /** ISO 8601 UTC of the last closed cut; empty: none yet. */
  readonly cut: string;
  readonly pairs: number;
  readonly standing: Standing | null;
  readonly firstPassAt: string;
  readonly withdrawnAt: string;
  readonly firstFailAt: string;
  readonly gates: readonly Gate[];
  readonly evidence: readonly Evidence[];
  /** What made it so, the strongest first; empty for CONTINUE. */
  readonly drivers: readonly string[];
  readonly pairsPerHour: number;
  /** At the present rate; `null`: not in sight, or decided. */
  readonly decisionInMs: number | null;
  /** `null`: no outcomes are judged. */
  readonly outcomes: OutcomeCounts | null;
  /** `null`: nobody asks for fewer false positives. */
  readonly headline: Headline | null;
}

/** Pairs that are judged by their outcomes, at the last cut. */
export interface OutcomeCounts {
  readonly mature: number;
  readonly known: number;
  readonly positives: number;
  /** Least share with an outcome: in all, and by decision. */
  readonly leastCoverage: number;
  /** The candidate's threshold, in the unit of the score; `null`: not chosen, or not asked. */
  readonly threshold: number | null;
}

export interface SummaryInput {
  readonly attempt: Attempt;
  /** Attempts of this candidate in this experiment. */
  readonly attempts: number;
  readonly analysis: Analysis;
  /** Last closed cut, Unix ms; 0: none. */
  readonly untilMs: number;
  readonly coverageAt: (cutMs: number) => Coverage;
}

export function summarise(input: SummaryInput): VerdictSummary {
  const { attempt, attempts, analysis, untilMs, coverageAt } = input;
  const { plan } = attempt;
  const history = toHistory(analysis.verdicts(untilMs, coverageAt));
  const shown = shownCut(history);
  const evidence = evidenceOf(analysis, shown, coverageAt);
  // Outcomes come late: an early FAIL for other reasons does not leave the question unanswered.
  const last = history.cuts.at(-1) ?? null;
  const verdict = standingVerdict(history);
  const pairsPerHour = rateOf(analysis, untilMs);
  const gates = shown?.gates ?? [];
  return {
    experiment: plan.experiment,
    candidate: plan.candidate,
    verdict,
    attempt: attempt.number,
    attempts,
    hash: attempt.hash,
    profile: attempt.profile,
    preset: plan.preset ?? '',
    startedAt: plan.startedAt,
    startedBy: attempt.startedBy,
    reason: attempt.reason,
    closedAt: attempt.closedAt,
    cut: isoOf(shown),
    pairs: shown?.pairs ?? 0,
    standing: history.standing,
    firstPassAt: isoOf(history.firstPass),
    withdrawnAt: isoOf(history.withdrawnBy),
    firstFailAt: isoOf(history.firstFail),
    gates,
    evidence,
    drivers: driversOf(verdict, { evidence, gates, history }),
    pairsPerHour,
    decisionInMs:
      verdict === 'CONTINUE' ? decisionInMs({ input, shown, evidence, pairsPerHour }) : null,
    outcomes: outcomesOf(analysis, last?.cutMs ?? 0),
    headline: toHeadline(plan, last === shown ? evidence : evidenceOf(analysis, last, coverageAt)),
  };
}

function outcomesOf({ quality, plan }: Analysis, cutMs: number): OutcomeCounts | null {
  if (quality === null) return null;
  const tally = quality.at(cutMs);
  const [low, high] = plan.scoreRange;
  const { threshold } = quality.calibration;
  const isKnown = threshold !== null && quality.isThresholdKnown(cutMs);
  return {
    mature: tally.known + tally.missing,
    known: tally.known,
    positives: sumOf(tally.positives),
    leastCoverage: tally.leastCoverage,
    threshold: isKnown ? low + threshold * (high - low) : null,
  };
}

/**
 * FAIL is final for an attempt, and the first PASS stands until it is withdrawn; a PASS that was withdrawn is never
 * given again: then nothing can be concluded but by a new attempt.
 */
function standingVerdict({ cuts, firstPass, firstFail, standing }: History): Verdict {
  if (firstFail !== null) return 'FAIL';
  const last = cuts.at(-1)?.verdict ?? 'CONTINUE';
  if (firstPass === null) return last;
  if (standing !== 'withdrawn') return 'PASS';
  return last === 'PASS' || last === 'CONTINUE' ? 'INCONCLUSIVE' : last;
}

/** A FAIL is told as it was found; else the last cut. */
function shownCut({ firstFail, cuts }: History): CutVerdict | null {
  return firstFail ?? cuts.at(-1) ?? null;
}

function evidenceOf(
  analysis: Analysis,
  cut: CutVerdict | null,
  coverageAt: SummaryInput['coverageAt'],
): Evidence[] {
  if (cut === null) return [];
  const { cutMs, assessments } = cut;
  // Copies that the breaker had kept back at the cut.
  const refused = coverageAt(cutMs).breakerOpen;
  const judge = new Judge(analysis.plan);
  const states = new Map<string, CutState>();
  return assessments.map((assessment) => {
    const { kind, segment, state, margin, mean, n } = assessment;
    if (isQualityKind(kind)) return qualityEvidence(analysis, cutMs, assessment, judge);
    const guardrail = analysis.plan.guardrails.find((each) => each.kind === kind);
    const key = segment === '' ? '' : `named:${segment}`;
    const sums = states.get(key) ?? analysis.upTo(key, cutMs);
    states.set(key, sums);
    const ofAll = segment === '' ? refused : 0;
    const told = guardrail === undefined ? null : judge.explain(guardrail, sums, ofAll);
    return {
      guardrail: kind,
      segment,
      state,
      margin,
      mean: Number.isNaN(mean) ? null : mean,
      n,
      sentence: evidenceSentence(assessment, told, analysis.plan),
      missingPairs: told === null ? (n > 0 ? 0 : null) : told.missingPairs,
    };
  });
}

function qualityEvidence(
  { quality: book, plan }: Analysis,
  cutMs: number,
  assessment: Assessment,
  judge: Judge,
): Evidence {
  const { kind, segment, state, margin, mean, n } = assessment;
  const told = { guardrail: kind, segment, state, margin, n, mean: finiteOrNull(mean) };
  const index = plan.quality?.guardrails.findIndex((each) => each.kind === kind) ?? -1;
  if (book === null || plan.quality === undefined || judge.quality === null || index < 0) {
    return { ...told, sentence: kind, missingPairs: null };
  }
  const tally = book.at(cutMs);
  const explanation = judge.quality.explain(index, tally, book.isThresholdKnown(cutMs));
  const { alphaPass, alphaFail } = plan;
  const pairs = tally.known + tally.missing;
  const { missingShare } = explanation;
  return {
    ...told,
    sentence: qualitySentence(assessment, explanation, {
      ...{ plan: plan.quality, tally, alphaPass, alphaFail, calibration: book.calibration },
    }),
    missingPairs: missingShare === null ? null : Math.ceil(missingShare * pairs),
  };
}

function finiteOrNull(mean: number): number | null {
  return Number.isNaN(mean) ? null : mean;
}

function driversOf(
  verdict: Verdict,
  of: { evidence: readonly Evidence[]; gates: readonly Gate[]; history: History },
): string[] {
  const { evidence, gates, history } = of;
  if (verdict === 'FAIL') {
    return evidence.filter(({ state }) => state === 'fail').map(({ sentence }) => sentence);
  }
  if (verdict === 'PASS') return evidence.map(({ sentence }) => sentence);
  if (verdict === 'CONTINUE') return [];
  const withdrawn = history.withdrawnBy;
  const why = withdrawn === null ? [] : [`the first PASS was withdrawn at ${isoOf(withdrawn)}`];
  const open = evidence.filter(({ state }) => state !== 'pass').map(({ sentence }) => sentence);
  const told = gates.map(({ text }) => text);
  return verdict === 'INVALID' ? [...why, ...told] : [...why, ...told, ...open];
}

/** Pairs an hour, over the last window before the cut, or since the start where that is shorter. */
function rateOf({ plan, stretches }: Analysis, untilMs: number): number {
  const fromMs = Math.max(untilMs - plan.windowMs, Date.parse(plan.startedAt));
  if (untilMs <= fromMs) return 0;
  let pairs = 0;
  for (const [startMs, states] of stretches) {
    if (startMs < fromMs - plan.cutMs || startMs >= untilMs) continue;
    pairs += states.get('')?.count('pairs') ?? 0;
  }
  return (pairs / (untilMs - fromMs)) * 3_600_000;
}

/** The longest of what is missing; a segment gets its share of the pairs. */
function decisionInMs(of: {
  readonly input: SummaryInput;
  readonly shown: CutVerdict | null;
  readonly evidence: readonly Evidence[];
  readonly pairsPerHour: number;
}): number | null {
  const { input, shown, evidence, pairsPerHour } = of;
  if (shown === null || pairsPerHour === 0 || shown.pairs === 0) return null;
  const { gates, startedAt } = input.attempt.plan;
  const elapsedMs = shown.cutMs - Date.parse(startedAt);
  const pairsMs = (pairs: number, share = 1): number =>
    (Math.max(0, pairs) / (pairsPerHour * share)) * 3_600_000;
  const waits = [gates.minDurationMs - elapsedMs, pairsMs(gates.minPairs - shown.pairs)];
  for (const { state, missingPairs, segment, n } of evidence) {
    if (state === 'pass') continue;
    if (missingPairs === null || n === 0) return null;
    waits.push(pairsMs(missingPairs, segment === '' ? 1 : n / shown.pairs));
  }
  return Math.max(0, ...waits);
}

function isoOf(cut: CutVerdict | null): string {
  return cut === null ? '' : new Date(cut.cutMs).toISOString();
}
