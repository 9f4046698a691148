/** What users write of the analysis: what a candidate is judged by. */
import { z } from 'zod';
import { flag, HOUR_MS, integer, milliseconds, name, number, somePointer } from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

const YEAR_MS = 365 * 24 * HOUR_MS;
const { analysis: ours } = DEFAULTS;
const { margins: margin } = ours;

/** A mean loss; 0 would need evidence without end. */
const share = () => number(1e-6, 0.5).nullable();

const margins = z.strictObject({
  contract: z.literal(0, { error: '0 or null' }).nullable().default(margin.contract).meta({
    description: 'Answers that break the output contract: none; null: not judged.',
  }),
  errors: share()
    .default(margin.errors)
    .meta({ description: 'More failed requests than the incumbent has, a share.' }),
  labelFlips: share().default(margin.labelFlips).meta({
    description: 'Share of requests with another label.',
  }),
  outsideTolerance: share().default(margin.outsideTolerance).meta({
    description: 'Share of requests whose score is outside tolerance.',
  }),
  scoreBias: share().default(margin.scoreBias).meta({
    description: 'Mean of candidate - incumbent, of the score range; each direction on its own.',
  }),
  scoreDifference: share().default(margin.scoreDifference).meta({
    description: 'Mean of the absolute difference, of the score range.',
  }),
  overObjective: share().default(margin.overObjective).meta({
    description: 'More answers over objectiveMs than the incumbent has, a share.',
  }),
  slower: share().default(margin.slower).meta({
    description: 'Share of requests at which the candidate is slower by slowerByMs.',
  }),
});

const segment = z.strictObject({
  name: name('segment').meta({ description: 'Name of the segment, in verdicts.' }),
  pointer: somePointer.meta({ description: 'JSON Pointer; each route captures it.' }),
  value: z
    .union([z.string(), z.number(), z.boolean()], { error: 'a text, number, true or false' })
    .meta({ description: 'Value of the segment, compared as text.' }),
});

const gates = z.strictObject({
  minPairs: integer(1, 1e9).optional().meta({ description: 'Pairs that PASS needs.' }),
  minSegmentPairs: integer(1, 1e9)
    .optional()
    .meta({ description: 'Pairs that PASS needs in each named segment.' }),
  minDurationMs: integer(0, YEAR_MS).optional().meta({ description: 'Time that PASS needs.' }),
  maxDurationMs: integer(1, YEAR_MS).optional().meta({
    description: 'After it without a decision: INCONCLUSIVE.',
  }),
  passCoverage: number(0, 1).optional().meta({
    description: 'Share of copies observed that PASS needs: in all, and in each part.',
  }),
  validCoverage: number(0, 1).optional().meta({
    description: 'Below it in all or in a named segment: INVALID.',
  }),
});

const alpha = () => number(1e-6, 0.5);
const range = z
  .tuple([z.number(), z.number()], { error: 'two numbers: [low, high]' })
  .refine(([low, high]) => low < high, { error: 'two numbers: [low, high], the first is less' });

/** The section `analysis`. */
export const analysis = z.strictObject({
  enabled: flag().default(ours.enabled).meta({
    description: 'Whether the admin process judges candidates by the journal.',
  }),
  profile: z
    .enum(['production', 'demo'], { error: 'production or demo' })
    .default(ours.profile)
    .meta({ description: 'Times of gates and cuts: a day, or minutes to see how it works.' }),
  scoreRange: range.default([...ours.scoreRange]).meta({ description: 'Scores lie within.' }),
  objectiveMs: milliseconds().default(ours.objectiveMs).meta({
    description: 'What latencies of both sides are held against.',
  }),
  slowerByMs: number(0.001, HOUR_MS).default(ours.slowerByMs).meta({
    description: 'How much slower than the incumbent is slower.',
  }),
  plannedPairs: integer(0, 1e9).default(ours.plannedPairs).meta({
    description: 'Pairs that are expected to decide; 0: no plan.',
  }),
  margins: margins.prefault({}).meta({
    description: 'Guardrails, each with what is acceptable; null: not judged.',
  }),
  segments: z
    .array(segment, { error: 'a list of segments' })
    .max(LIMITS.analysisSegments, { error: `at most ${LIMITS.analysisSegments} segments` })
    .default([])
    .meta({ description: 'Parts of the traffic that each guardrail has to hold in, too.' }),
  discover: z
    .array(somePointer, { error: 'a list of JSON Pointers' })
    .max(LIMITS.analysisPointers, { error: `at most ${LIMITS.analysisPointers} pointers` })
    .default([])
    .meta({ description: 'JSON Pointers whose values are watched, for alarms alone.' }),
  gates: gates.prefault({}).meta({ description: 'What PASS needs besides.' }),
  alphaPass: alpha().default(ours.alphaPass).meta({
    description: 'Chance that a guardrail passes at its margin.',
  }),
  alphaFail: alpha().default(ours.alphaFail).meta({
    description: 'Chance that a candidate within all margins ever fails.',
  }),
  alphaAlarm: alpha().default(ours.alphaAlarm).meta({
    description: 'False discovery rate of alarms.',
  }),
  cutMs: milliseconds().optional().meta({ description: 'Distance of cut points, event time.' }),
  windowMs: integer(1, 24 * HOUR_MS)
    .optional()
    .meta({ description: 'Length of a window of its own test; a multiple of cutMs.' }),
  settleMs: milliseconds().optional().meta({
    description: 'A cut that accounting has not passed is closed after so long all the same.',
  }),
});
