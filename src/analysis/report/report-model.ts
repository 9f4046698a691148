/**
 * All that a report says of one attempt of a candidate, as numbers: what is printed is made of it alone. Pure. The
 * verdict decides, all else describes. How each number is computed: docs/statistics.md, "What a report shows".
 */
import type { LegCell } from '../../pair/leg-states.ts';
import type { Analysis } from '../analysis.ts';
import type { ExperimentPlan } from '../plan.ts';
import { type QualityReport, qualityReport } from '../quality/quality-measures.ts';
import { fromFixedPoint } from '../sketches/fixed-point.ts';
import { type SummaryInput, summarise, type VerdictSummary } from '../summary.ts';
import type { CoveragePart } from '../verdict.ts';
import { type Alarm, findAlarms } from './alarms.ts';
import { type FailureTable, pairedFailures } from './failures.ts';
import { compareLatencies, type LatencyComparison } from './latency-comparison.ts';
import { type SegmentDetails, segmentDetails } from './named-segments.ts';
import { overTime, type TimePoint } from './over-time.ts';
import { compareScores, type ScoreComparison } from './score-agreement.ts';

/** A change of the settings while the attempt ran, as the audit has it. */
export interface SettingsChange {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly text: string;
}

/** Copies in one state, in all that the journal has counted. */
export interface CopyState {
  readonly state: string;
  readonly reason: string;
  readonly count: number;
}

export interface ReportModel {
  readonly verdict: VerdictSummary;
  readonly plan: ExperimentPlan;
  /** At the last closed cut; the first is all. Empty: nobody has told. */
  readonly coverage: readonly CoveragePart[];
  /** Copies not sent because the breaker was open. */
  readonly breakerOpen: number;
  /** The breaker since the start of the mirror that runs now; `null`: none runs, or the candidate has no breaker. */
  readonly breaker: BreakerTime | null;
  readonly copies: readonly CopyState[];
  readonly warmUp: number;
  /** `incumbent:6.2` → answers. */
  readonly versions: readonly Named[];
  /** Ways in which answers broke the contract, and fields that differ. */
  readonly violations: readonly Named[];
  /** `null`: the plan has no guardrail `errors`, or there is no pair. */
  readonly failures: FailureTable | null;
  readonly scores: ScoreComparison;
  readonly latency: LatencyComparison;
  /** Couples of labels, incumbent's and candidate's; both empty: all couples beyond the 64 that are kept. */
  readonly labels: readonly { incumbent: string; candidate: string; count: number }[];
  readonly overTime: readonly TimePoint[];
  /** All pairs, then each named segment. */
  readonly segments: readonly SegmentDetails[];
  /** Pairs that differ most, the worst first; values as the journal has them: redacted. */
  readonly examples: readonly DivergenceExample[];
  /** Discovered segments beyond their margins, the worst first. */
  readonly alarms: readonly Alarm[];
  readonly settings: readonly SettingsChange[];
  /** `null`: no outcomes are judged. */
  readonly quality: QualityReport | null;
}

/** One pair of the largest divergences. */
export interface DivergenceExample {
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly route: string;
  /** Largest |candidate − incumbent| of its predictions, in the unit of the score. */
  readonly difference: number;
  readonly flips: number;
  /** As text; empty: there is none. */
  readonly incumbentScore: string;
  readonly incumbentLabel: string;
  readonly candidateScore: string;
  readonly candidateLabel: string;
  readonly captured: readonly { readonly pointer: string; readonly value: string }[];
}

export interface Named {
  readonly name: string;
  readonly count: number;
}

export interface BreakerTime {
  /** Times it has opened. */
  readonly opens: number;
  /** Time in which it was not closed, of the time that the mirror has run. */
  readonly brokenMs: number;
  readonly uptimeMs: number;
}

/** What lies outside the analysis. */
export interface ReportContext {
  /** By candidate; empty where no mirror runs. */
  readonly breakers: ReadonlyMap<string, BreakerTime>;
  /** The journal's, of all candidates. */
  readonly legs: readonly LegCell[];
  readonly settings: readonly SettingsChange[];
}

/** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on a state that no pairs gave */
export function toReport(input: SummaryInput, context: ReportContext): ReportModel {
  const { legs, settings, breakers } = context;
  const { attempt, analysis, untilMs, coverageAt } = input;
  const { plan } = attempt;
  const all = analysis.upTo('', untilMs);
  const coverage = coverageAt(untilMs);
  const toMs = attempt.closedAt === '' ? Number.POSITIVE_INFINITY : Date.parse(attempt.closedAt);
  return {
    verdict: summarise(input),
    plan,
    coverage: coverage.parts,
    breakerOpen: coverage.breakerOpen,
    breaker: breakers.get(plan.candidate) ?? null,
    copies: copyStates(legs, plan.candidate),
    warmUp: all.count('warmUp'),
    versions: toNamed(all.versions),
    violations: toNamed(all.violations),
    failures: pairedFailures(all, plan),
    scores: compareScores(analysis),
    latency: compareLatencies(analysis),
    labels: labelCouples(analysis),
    overTime: overTime(analysis, untilMs),
    segments: segmentDetails(analysis, untilMs),
    examples: toExamples(analysis),
    alarms: findAlarms(analysis),
    quality: qualityReport(analysis, untilMs),
    settings: settings.filter(({ at }) => {
      const atMs = Date.parse(at);
      return atMs >= Date.parse(plan.startedAt) && atMs <= toMs;
    }),
  };
}

function toExamples({ examples }: Analysis): DivergenceExample[] {
  return examples.items().map((example): DivergenceExample => {
    const { id, time, route, units, flips, incumbent, candidate, captured } = example;
    return {
      ...{ id, time, route, difference: fromFixedPoint(units), flips },
      ...{ incumbentScore: incumbent[0], incumbentLabel: incumbent[1] },
      ...{ candidateScore: candidate[0], candidateLabel: candidate[1] },
      captured: captured.map(([pointer, value]) => ({ pointer, value })),
    };
  });
}

function toNamed(names: {
  readonly others: number;
  entries(): [name: string, count: number][];
}): Named[] {
  const kept = names.entries().map(([name, count]) => ({ name, count }));
  return names.others === 0 ? kept : [...kept, { name: '(others)', count: names.others }];
}

function copyStates(legs: readonly LegCell[], candidate: string): CopyState[] {
  const own = legs.filter((leg) => leg.candidate === candidate && leg.count > 0);
  const groups = Map.groupBy(own, ({ state, reason }) => JSON.stringify([state, reason]));
  return Array.from(groups.values(), (cells): CopyState => {
    const count = cells.reduce((sum, cell) => sum + cell.count, 0);
    return { state: cells[0]?.state ?? '', reason: cells[0]?.reason ?? '', count };
  }).sort((a, b) => b.count - a.count || (a.state + a.reason < b.state + b.reason ? -1 : 1));
}

function labelCouples(analysis: Analysis): ReportModel['labels'] {
  const couples = analysis.segments.get('')?.labels ?? new Map<string, number>();
  return Array.from(couples, ([name, count]) => {
    const [incumbent = '', candidate = '']: string[] = name === '' ? [] : JSON.parse(name);
    return { incumbent, candidate, count };
  }).sort(
    (a, b) => b.count - a.count || (a.incumbent + a.candidate < b.incumbent + b.candidate ? -1 : 1),
  );
}
