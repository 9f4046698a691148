/** What users write of a candidate: `http` (a model behind an API) or `onnx` (a model file). */
import { z } from 'zod';
import { isNetwork } from './address.ts';
import {
  bytes,
  GiB,
  HOUR_MS,
  headerName,
  headerValue,
  integer,
  KiB,
  label,
  milliseconds,
  name,
  number,
  path,
  pointer,
  somePointer,
  text,
  url,
} from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { peerTls } from './tls-schema.ts';

/** How a JSON answer is read: a route's, or a candidate's own. */
export const prediction = z.strictObject({
  items: pointer.default(DEFAULTS.route.prediction.items).meta({
    description: 'Where the list of a batch stands in the answer; empty: one prediction an answer.',
  }),
  score: pointer.default(DEFAULTS.route.prediction.score).meta({
    description: 'Where the score stands (in a batch: from the element); empty: no score.',
  }),
  label: pointer.default(DEFAULTS.route.prediction.label).meta({
    description: 'Where the label stands (in a batch: from the element); empty: no label.',
  }),
  modelVersion: pointer.default(DEFAULTS.route.prediction.modelVersion).meta({
    description: "Where the model's version stands, from the root of the answer; empty: nowhere.",
  }),
  id: pointer.default(DEFAULTS.route.prediction.id).meta({
    description: 'Where the id of an element stands, to match batches by; empty: by position.',
  }),
  classes: pointer.default(DEFAULTS.route.prediction.classes).meta({
    description: 'Where the probabilities of classes stand, a list or an object; empty: nowhere.',
  }),
});

const adaptive = z.strictObject({
  latencyMs: milliseconds().meta({ description: 'Service time its answers should keep.' }),
  minInFlight: integer(1, 10_000).default(DEFAULTS.adaptive.minInFlight).meta({
    description: 'The ceiling never falls below it.',
  }),
});

const breakerDefaults = DEFAULTS.candidate.breaker;
const breaker = z.strictObject({
  failureRate: number(0.01, 1).default(breakerDefaults.failureRate).meta({
    description: 'Share of failures in the window at which the candidate counts as sick.',
  }),
  minRequests: integer(1, 1_000_000).default(breakerDefaults.minRequests).meta({
    description: 'Answers that the window needs before that.',
  }),
  windowMs: integer(100, HOUR_MS).default(breakerDefaults.windowMs).meta({
    description: 'How far back failures count.',
  }),
  openMs: milliseconds().default(breakerDefaults.openMs).meta({
    description: 'Pause before it is tried again; doubled for each trial that fails.',
  }),
  maxOpenMs: milliseconds().default(breakerDefaults.maxOpenMs).meta({
    description: 'The longest pause.',
  }),
  probes: integer(1, 1_000).default(breakerDefaults.probes).meta({
    description: 'Live copies that have to succeed before it counts as well again.',
  }),
});

const candidateBase = {
  name: name('name').meta({
    description: 'Part of pair ids, metric labels and file names; unique.',
  }),
  routes: z
    .array(name('name of a route'), { error: 'a list of names of routes' })
    .min(1, { error: 'at least one name of a route' })
    .optional()
    .meta({ description: 'Names of the routes it gets copies of; all where this key is missing.' }),
  rate: number(0, 1).default(DEFAULTS.candidate.rate).meta({
    description: 'Share of exchanges that are copied, 0 to 1, until an operator sets another.',
  }),
  timeoutMs: milliseconds().default(DEFAULTS.candidate.timeoutMs).meta({
    description: 'From dispatch to the last byte of its answer.',
  }),
  maxInFlight: integer(1, 10_000).default(DEFAULTS.candidate.maxInFlight).meta({
    description: 'Copies in flight; more wait.',
  }),
  maxAnswerBytes: bytes(KiB, GiB).default(DEFAULTS.candidate.maxAnswerBytes).meta({
    description: 'A larger answer ends as candidate_error(too_large).',
  }),
  maxRequestsPerSecond: number(0, LIMITS.requestsPerSecond)
    .default(DEFAULTS.candidate.maxRequestsPerSecond)
    .meta({ description: 'Copies a second, until an operator sets another cap; 0: no cap.' }),
  maxRequestsPerDay: integer(0, 1_000_000_000_000)
    .default(DEFAULTS.candidate.maxRequestsPerDay)
    .meta({ description: 'Copies a UTC day; 0: no budget.' }),
  warmUpRequests: integer(0, 1_000_000)
    .default(DEFAULTS.candidate.warmUpRequests)
    .meta({ description: 'The first so many copies are flagged warm_up.' }),
  adaptive: adaptive
    .nullable()
    .default(DEFAULTS.candidate.adaptive)
    .meta({ description: 'Copies in flight follow a latency objective; null: maxInFlight alone.' }),
  breaker: breaker
    .nullable()
    .prefault({})
    .meta({ description: 'Pauses a sick candidate; null: it is never paused.' }),
  prediction: prediction
    .nullable()
    .default(null)
    .meta({ description: "How its JSON answer is read; null: as the route's." }),
};

const header = z
  .strictObject(
    {
      name: headerName.meta({ description: 'Name of the header.' }),
      value: headerValue.optional().meta({ description: 'A fixed value.' }),
      file: path('a path').optional().meta({
        description: 'A file that holds the value, for secrets; read again when it changes.',
      }),
    },
    // The refinement below has the same words.
    {},
  )
  .refine(({ value, file }) => (value === undefined) !== (file === undefined), {
    error: 'either value or file',
  });

const httpCandidate = z.strictObject({
  kind: z.literal('http').default('http').meta({ description: 'A model behind an HTTP API.' }),
  ...candidateBase,
  url: url.meta({ description: 'Its origin, and perhaps a base path before the mapped path.' }),
  paths: z
    .record(
      text(/^\/[^\s?#]*$/, 'a path that begins with "/"'),
      text(/^\/[^\s?#]*$/, 'a path that begins with "/"'),
      { error: 'a mapping from request paths to paths at the candidate' },
    )
    .default({})
    .meta({ description: "Request path → the candidate's path; others stay as they are." }),
  host: text(/^[A-Za-z0-9_.:[\]-]{0,255}$/, 'a host name, perhaps with a port')
    .default('')
    .meta({ description: "Host header of the copies; empty: the URL's." }),
  allowAddresses: z
    .array(
      text(/^[A-Za-z0-9_.:-]{1,253}(\/\d{1,3})?$/, 'an address, a network or a host name').refine(
        (entry) => !/^[\w.:-]+\/\d{1,3}$/.test(entry) || isNetwork(entry),
        { error: 'an address, a network (IPv4 up to /32, IPv6 up to /128) or a host name' },
      ),
      { error: 'a list of addresses, networks or host names' },
    )
    .max(LIMITS.allowedAddresses, { error: `at most ${LIMITS.allowedAddresses} addresses` })
    .default([])
    .meta({ description: 'Link-local and metadata addresses that it may have all the same.' }),
  headers: z
    .array(header, { error: 'a list of headers' })
    .max(LIMITS.candidateHeaders, { error: `at most ${LIMITS.candidateHeaders} headers` })
    .default([])
    .meta({ description: 'Headers set on each copy, say its own credentials.' }),
  tls: z
    .strictObject(peerTls('candidate'))
    .prefault({})
    .meta({ description: 'How an https:// candidate is spoken to.' }),
});

const onnxInput = z.strictObject({
  name: text(/^.{1,200}$/s, 'the name of an input of the model').meta({
    description: 'Name of the input, [N, 1].',
  }),
  pointer: somePointer.meta({ description: 'Where its value stands in the request body.' }),
  type: z
    .enum(['float32', 'string'], { error: 'float32 or string' })
    .meta({ description: 'Type of the input.' }),
});

const onnxCandidate = z.strictObject({
  kind: z.literal('onnx').meta({ description: 'A model file, run in a process of its own.' }),
  ...candidateBase,
  model: path('the path of an .onnx file').meta({
    description: "Path of the model, from this file's folder.",
  }),
  modelVersion: label('a version')
    .optional()
    .meta({ description: 'Stands on each pair; the name of the candidate where it is missing.' }),
  inputs: z
    .array(onnxInput, { error: 'a list of inputs of the model' })
    .min(1, { error: 'at least one input of the model' })
    .max(LIMITS.onnxInputs, { error: `at most ${LIMITS.onnxInputs} inputs` })
    .meta({ description: 'The inputs of the model, taken from the request body.' }),
  output: text(/^.{1,200}$/s, 'the name of the probability output').meta({
    description: 'Name of the probability output, float32 [N, classes].',
  }),
  scoreColumn: integer(0, 100_000).default(DEFAULTS.onnx.scoreColumn).meta({
    description: 'Column of the output that is the score.',
  }),
  threshold: number(-1e9, 1e9).default(DEFAULTS.onnx.threshold).meta({
    description: 'Score at or above it: the second label, below: the first.',
  }),
  labels: z
    .tuple([z.string({ error: 'a label' }), z.string({ error: 'a label' })], {
      error: 'two labels: [below the threshold, at or above it]',
    })
    .default([...DEFAULTS.onnx.labels])
    .meta({ description: 'Labels [below the threshold, at or above it].' }),
});

/** The two kinds; `http` where `kind` is missing. */
export const candidate = z.discriminatedUnion('kind', [httpCandidate, onnxCandidate], {
  error: 'http or onnx',
});
