/** What users write of a route: what is mirrored, which share of it, and how answers are read and compared. */
import { z } from 'zod';
import { prediction } from './candidate-schema.ts';
import { flag, method, name, number, pointer, routePath, somePointer, text } from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { routeRedaction } from './redaction-schema.ts';

const samplingRule = z
  .strictObject(
    {
      id: name('rule').meta({ description: 'Name of the rule, on each pair.' }),
      header: text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'the name of a header')
        .optional()
        .meta({ description: 'Header whose value decides, or …' }),
      pointer: somePointer.optional().meta({
        description: '… JSON Pointer of the request value that decides.',
      }),
      equals: z
        .array(z.union([z.string(), z.number(), z.boolean()]), { error: 'a list of values' })
        .min(1, { error: 'at least one value' })
        .max(LIMITS.samplingValues, { error: `at most ${LIMITS.samplingValues} values` })
        .meta({ description: 'Values that match, compared as text.' }),
      share: number(0, 1).meta({ description: 'Share of these exchanges that is copied.' }),
    },
    {},
  )
  .refine(({ header, pointer: at }) => (header === undefined) !== (at === undefined), {
    error: 'either header or pointer',
  });

const sampling = z
  .strictObject({
    key: pointer.default(DEFAULTS.route.sampling.key).meta({
      description: 'JSON Pointer of the request value that is drawn by; empty: each exchange.',
    }),
    keyHeader: text(/^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})?$/, 'the name of a header')
      .default(DEFAULTS.route.sampling.keyHeader)
      .meta({ description: 'Request header whose value is drawn by; empty: none.' }),
    share: number(0, 1).default(DEFAULTS.route.sampling.share).meta({
      description: 'Share of the exchanges that no rule matches.',
    }),
    rules: z
      .array(samplingRule, { error: 'a list of sampling rules' })
      .max(LIMITS.samplingRules, { error: `at most ${LIMITS.samplingRules} sampling rules` })
      .default([])
      .meta({ description: 'Shares of exchanges by a value; the first that matches counts.' }),
  })
  .refine(({ key, keyHeader }) => key === '' || keyHeader === '', {
    error: 'either key or keyHeader',
  });

const compare = z.strictObject({
  tolerance: number(0, 1e9).nullable().default(DEFAULTS.route.compare.tolerance).meta({
    description: 'Scores further apart (absolute) are outside tolerance; null: mirror.tolerance.',
  }),
  relativeTolerance: number(0, 1e9).default(DEFAULTS.route.compare.relativeTolerance).meta({
    description: 'The same relative to the larger score; whichever allows more counts.',
  }),
  structure: flag().default(DEFAULTS.route.compare.structure).meta({
    description: 'Compare the answers as documents, too; names of members stand on pairs then.',
  }),
  ignore: z
    .array(somePointer, { error: 'a list of JSON Pointers' })
    .max(LIMITS.ignoredPointers, { error: `at most ${LIMITS.ignoredPointers} JSON Pointers` })
    .default([])
    .meta({ description: 'JSON Pointers that this leaves out; * for any one token.' }),
});

/** What is mirrored, how it is drawn, read and compared. */
export const route = z.strictObject({
  name: name('name').meta({ description: 'Label on pairs and metrics, unique.' }),
  methods: z
    .array(method, { error: 'a list of HTTP methods' })
    .min(1, { error: 'at least one HTTP method' })
    .max(16, { error: 'at most 16 HTTP methods' })
    .default([...DEFAULTS.route.methods])
    .meta({ description: 'Methods that are mirrored.' }),
  path: routePath.meta({
    description: 'What is mirrored: /v1/score, /v1/models/{name}/score, /v1/* (the rest).',
  }),
  prediction: prediction
    .prefault({})
    .meta({ description: "How the incumbent's JSON answer is read, by JSON Pointer." }),
  capture: z
    .array(somePointer, { error: 'a list of JSON Pointers' })
    .max(LIMITS.capturedPointers, { error: `at most ${LIMITS.capturedPointers} JSON Pointers` })
    .default([])
    .meta({ description: 'JSON Pointers of request values that are stored with the pair.' }),
  join: pointer.default('').meta({
    description:
      'JSON Pointer of a request value, unique an exchange, to attach outcomes to later.',
  }),
  sampling: sampling.prefault({}).meta({ description: 'Which share of exchanges is copied.' }),
  redact: routeRedaction
    .prefault({})
    .meta({ description: 'What of requests and answers is hidden, before anything is queued.' }),
  compare: compare.prefault({}).meta({ description: 'How the two answers are compared.' }),
});
