/** What users write of the analysis: what a candidate is judged by. */
import { z } from 'zod';
import { LABELS_DEFAULTS } from './analysis-defaults.ts';
import { flag, HOUR_MS, integer, milliseconds, name, number, somePointer } from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

const YEAR_MS = 365 * 24 * HOUR_MS;
const { analysis: ours } = DEFAULTS;

/** A mean loss; 0 would need evidence without end. Missing: that of the preset. */
const share = () => number(1e-6, 0.5).nullable().optional();

const margins = z.strictObject({
  contract: z.literal(0, { error: '0 or null' }).nullable().optional().meta({
    description: 'Answers that break the output contract: none; null: not judged.',
  }),
  errors: share().meta({ description: 'More failed requests than the incumbent has, a share.' }),
  labelFlips: share().meta({
    description: 'Share of requests with another label.',
  }),
  outsideTolerance: share().meta({
    description: 'Share of requests whose score is outside tolerance.',
  }),
  scoreBias: share().meta({
    description: 'Mean of candidate - incumbent, of the score range; each direction on its own.',
  }),
  scoreDifference: share().meta({
    description: 'Mean of the absolute difference, of the score range.',
  }),
  overObjective: share().meta({
    description: 'More answers over objectiveMs than the incumbent has, a share.',
  }),
  slower: share().meta({
    description: 'Share of requests at which the candidate is slower by slowerByMs.',
  }),
});

const qualityMargins = z.strictObject({
  recall: share().meta({ description: 'Positives that the candidate no longer catches, net.' }),
  falsePositiveRate: share().meta({ description: 'Negatives that it flags anew, net.' }),
  brier: share().meta({ description: "Mean squared error beyond the incumbent's." }),
  logLoss: number(1e-6, 3)
    .nullable()
    .optional()
    .meta({ description: "Mean logarithmic loss beyond the incumbent's, nats." }),
  recallAtThreshold: share().meta({
    description: 'As recall, with the candidate at the threshold that was chosen for it.',
  }),
});

const outcome = () =>
  z
    .union([z.string().min(1).max(LIMITS.labelCharacters), z.number(), z.boolean()], {
      error: `a text of at most ${LIMITS.labelCharacters} characters, a number, true or false`,
    })
    .transform(String);

const labels = z
  .strictObject({
    positive: outcome().meta({ description: 'The label that is to be found: fraud, bad.' }),
    negative: outcome().meta({ description: 'The other one.' }),
    maturityMs: integer(1, YEAR_MS).default(LABELS_DEFAULTS.maturityMs).meta({
      description: 'A pair is judged by its outcome when it is so old.',
    }),
    minCoverage: number(0, 1).default(LABELS_DEFAULTS.minCoverage).meta({
      description: 'Share of mature pairs with an outcome, below which bounds decide.',
    }),
    fewerFalsePositives: number(0.001, 0.9)
      .nullable()
      .default(LABELS_DEFAULTS.fewerFalsePositives)
      .meta({ description: 'Fewer false positives at the same recall, a share; null: not asked.' }),
    calibrationShare: number(0.01, 0.9).default(LABELS_DEFAULTS.calibrationShare).meta({
      description: 'Share of keys whose pairs choose the threshold, and judge nothing by it.',
    }),
    calibrationPositives: integer(1, 100_000).default(LABELS_DEFAULTS.calibrationPositives).meta({
      description: 'Positives of them that choose it.',
    }),
    margins: qualityMargins.prefault({}).meta({
      description: 'Guardrails of quality, each with what is acceptable; null: not judged.',
    }),
  })
  .refine(({ positive, negative }) => positive !== negative, {
    error: 'two labels: positive and negative differ',
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
  guardrails: z
    .enum(['identical', 'replacement'], { error: 'identical or replacement' })
    .default(ours.guardrails)
    .meta({ description: 'Margins where none is set: of the same model, or of one trained anew.' }),
  margins: margins.prefault({}).meta({
    description: 'Guardrails, each with what is acceptable; null: not judged.',
  }),
  labels: labels
    .nullable()
    .default(null)
    .meta({ description: 'Outcomes that come later, and what is judged by them; null: nothing.' }),
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
