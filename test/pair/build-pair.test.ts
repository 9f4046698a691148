import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildPair,
  type ExchangeFacts,
  type LegFacts,
  toPairJson,
  toPairMs,
  toTimestamp,
} from '../../src/pair/build-pair.ts';
import { compareObservations, DIVERGENCE_FIELDS } from '../../src/pair/compare.ts';
import { LEG_REASONS } from '../../src/pair/leg-states.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { type Observation, PREDICTION_ERRORS, type Prediction } from '../../src/pair/pair.ts';
import { compileIgnore, compileNames, diffStructure } from '../../src/pair/structure-diff.ts';
import { drawEpoch } from '../../src/wire/epoch.ts';

const schema: object = JSON.parse(
  readFileSync(new URL('../../schemas/pair-1.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({
  strict: true,
  // The branches of `oneOf` require properties that their parent defines.
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: true,
}).compile(schema);

function problems(value: unknown): string {
  validate(value);
  return (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`).join('; ');
}

const ms = fc.double({ min: 0, max: 1e6, noNaN: true }).map(toPairMs);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const prediction: fc.Arbitrary<Prediction> = fc.record(
  {
    score: finite,
    label: fc.oneof(text, finite, fc.boolean()),
    id: text,
    classes: fc.oneof(
      fc.array(finite, { maxLength: 5 }),
      fc.dictionary(text, finite, { maxKeys: 5, noNullPrototype: true }),
    ),
  },
  { requiredKeys: [] },
);

const answered: fc.Arbitrary<Observation> = fc.record(
  {
    status: fc.integer({ min: 200, max: 599 }),
    first_byte_ms: ms,
    latency_ms: ms,
    model_version: text,
    predictions: fc.array(prediction, { maxLength: 5 }),
    error: fc.constantFrom(...PREDICTION_ERRORS),
  },
  { requiredKeys: ['status', 'first_byte_ms', 'latency_ms', 'predictions'] },
);

const exchange: fc.Arbitrary<ExchangeFacts> = fc.record({
  instance: fc.constant('scoring-7c9f/gw0'),
  epoch: fc.constant(null).map(drawEpoch),
  seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  number: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  wallMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
  key: fc.constantFrom('0123456789abcdefghij.42', `hmac:${'0f'.repeat(16)}`),
  experiment: fc.constant('fraud-v7-parity'),
  route: fc.constant('score'),
  method: fc.constantFrom('POST', 'PUT'),
  path: fc.constantFrom('/v1/score', '/v1/models/{name}/score', '/v1/*'),
  contentType: fc.constantFrom('', 'application/json'),
  requestBytes: fc.nat(),
  captured: fc.dictionary(
    fc.constantFrom('/amount', '/a~1b/0', '/__proto__', ''),
    fc.oneof(text, finite, fc.boolean(), fc.constant(null)),
    { noNullPrototype: true },
  ),
  join: fc.option(fc.string({ minLength: 1, maxLength: 60 }), { nil: undefined }),
  u: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  settingsVersion: fc.nat(),
  incumbent: answered,
});

const head = { name: 'fraud-v7', role: 'candidate' as const };
const probability = fc.double({ min: 0, minExcluded: true, max: 1, noNaN: true });
const flags = fc.subarray(['early', 'downstream_paused', 'mirror_busy', 'warm_up'] as const);
const leg: fc.Arbitrary<LegFacts> = fc.oneof(
  fc.record({
    probability,
    rule: fc.constantFrom('default', 'gold'),
    flags,
    candidate: fc
      .tuple(ms, answered)
      .map(([queue_ms, observation]) => ({ ...head, queue_ms, ...observation })),
    state: fc.constant('paired' as const),
  }),
  fc.record({
    probability,
    rule: fc.constantFrom('default', 'gold'),
    flags,
    candidate: fc
      .tuple(ms, ms, fc.constantFrom(...LEG_REASONS.candidate_error))
      .map(([queue_ms, latency_ms, failure]) => ({
        ...head,
        queue_ms,
        latency_ms,
        predictions: [],
        failure,
      })),
    state: fc.constant('candidate_error' as const),
  }),
  fc.record({
    probability,
    rule: fc.constantFrom('default', 'gold'),
    flags,
    candidate: fc.tuple(ms, ms).map(([queue_ms, latency_ms]) => ({
      ...head,
      queue_ms,
      latency_ms,
      predictions: [],
      failure: 'timeout',
    })),
    state: fc.constant('candidate_timeout' as const),
  }),
);

const NO_IGNORE = compileIgnore([]);
const LIMITS_OF_DIFF = { maxDifferences: 20, maxNodes: 1_000, maxCharacters: 200 };

/** With every part of a divergence. */
function build(facts: ExchangeFacts, side: LegFacts) {
  const tolerance = { absolute: 1e-6, relative: 0 };
  const divergence = compareObservations(facts.incumbent, side.candidate, tolerance);
  const { differences } = diffStructure(facts.incumbent, side.candidate, {
    ignore: NO_IGNORE,
    names: compileNames([], false),
    tolerance: 0,
    limits: LIMITS_OF_DIFF,
  });
  return buildPair(facts, side, { ...divergence, structure: differences, structure_cut: true });
}

describe('buildPair', () => {
  it('makes only pairs that the published schema allows, as one line with the same bytes each time', () => {
    fc.assert(
      fc.property(exchange, leg, (facts, side) => {
        const json = toPairJson(build(facts, side));
        expect(problems(JSON.parse(json))).toBe('');
        expect(toPairJson(build(structuredClone(facts), structuredClone(side)))).toBe(json);
        expect(json).not.toContain('\n');
        expect(Buffer.from(json).toString()).toBe(json); // no lone surrogate
      }),
      { numRuns: 500 },
    );
  });

  it('cannot be told from its text by anything but its content', () => {
    const [facts, side] = fc.sample(fc.tuple(exchange, leg), { numRuns: 1, seed: 7 })[0] ?? [];
    if (facts === undefined || side === undefined) throw new Error('no sample');
    const pair = build(facts, side);
    expect(pair.id).toBe(`${facts.epoch}.${facts.seq}/fraud-v7`);
    expect(pair.key).toBe(facts.key);
  });
});

describe('pair-1.schema.json', () => {
  const [sample] = fc.sample(
    fc.tuple(
      exchange,
      leg.filter((l) => l.state === 'paired'),
    ),
    {
      numRuns: 1,
      seed: 3,
    },
  );
  const good = (): Record<string, never> => {
    if (sample === undefined) throw new Error('no sample');
    return JSON.parse(toPairJson(build(sample[0], sample[1])));
  };

  it('names no host', () => {
    expect(schema).toMatchObject({ $id: 'urn:understudy:schema:pair:1' });
  });

  it('knows the same words as the code', () => {
    expect(schema).toMatchObject({
      properties: {
        divergence: { properties: { fields: { items: { enum: DIVERGENCE_FIELDS } } } },
        candidate: {
          properties: { failure: { enum: [...LEG_REASONS.candidate_error, 'timeout'] } },
        },
        incumbent: { properties: { error: { $ref: '#/$defs/predictionError' } } },
      },
      $defs: { predictionError: { enum: PREDICTION_ERRORS } },
    });
  });

  it('accepts a good pair', () => {
    expect(problems(good())).toBe('');
  });

  const without = (path: string) => (pair: Record<string, never>) => {
    delete pair[path];
    return pair;
  };
  const merged = (patch: object) => (pair: object) => merge(pair, patch);
  it.each<[string, (pair: Record<string, never>) => unknown]>([
    ['null', () => null],
    ['an array', (pair) => [pair]],
    ['another schema', merged({ schema: 'understudy.pair/2' })],
    ['no id', without('id')],
    ['no epoch', without('epoch')],
    ['no divergence', without('divergence')],
    ['an id without candidate', merged({ id: 'c5k0t9q2m8w4x7z1r3f6.42' })],
    ['an id of an epoch with a letter beyond v', merged({ id: 'z5k0t9q2m8k4l7a1r3f6.1/a' })],
    ['an id with sequence 0', merged({ id: 'c5k0t9q2m8k4l7a1r3f6.0/a' })],
    ['a sequence that is a string', merged({ seq: '1' })],
    ['a sequence with a fraction', merged({ seq: 1.5 })],
    ['a time without microseconds', merged({ time: '2026-11-23T12:00:00.123Z' })],
    ['a local time', merged({ time: '2026-11-23T12:00:00.123456+01:00' })],
    ['a body', merged({ body: 'secret' })],
    ['request headers', merged({ request: { headers: { authorization: 'x' } } })],
    ['a raw path in the request', merged({ request: { path: 'v1/score?token=1' } })],
    ['content type with parameters', merged({ request: { content_type: 'a/b; c=d' } })],
    ['a captured object', merged({ captured: { '/a': { b: 1 } } })],
    ['a captured array', merged({ captured: { '/a': [1] } })],
    ['a captured name that is no pointer', merged({ captured: { amount: 1 } })],
    ['a captured text that is too long', merged({ captured: { '/a': 'x'.repeat(257) } })],
    ['a u of 1', merged({ selection: { u: 1 } })],
    ['a probability of 0', merged({ selection: { probability: 0 } })],
    ['a negative latency', merged({ incumbent: { latency_ms: -1 } })],
    ['a null score', merged({ incumbent: { predictions: [{ score: null }] } })],
    ['a score that is a string', merged({ incumbent: { predictions: [{ score: '0.9' }] } })],
    ['a label that is an object', merged({ incumbent: { predictions: [{ label: {} }] } })],
    ['an unknown error', merged({ incumbent: { error: 'oops' } })],
    ['an incumbent with a queue', merged({ incumbent: { queue_ms: 1 } })],
    ['an unknown flag', merged({ flags: ['lucky'] })],
    ['a flag twice', merged({ flags: ['early', 'early'] })],
    ['an unknown state', merged({ state: 'shed' })],
    ['a paired leg with a failure', merged({ candidate: { failure: 'reset' } })],
    ['an error without a failure', merged({ state: 'candidate_error' })],
    [
      'a timeout with a status',
      merged({ state: 'candidate_timeout', candidate: { failure: 'timeout' } }),
    ],
    ['a null difference', merged({ divergence: { score_delta_max: null } })],
    ['an unknown divergence', merged({ divergence: { fields: ['colour'] } })],
  ])('rejects %s', (_what, spoil) => {
    expect(problems(spoil(good()))).not.toBe('');
  });
});

describe('toTimestamp', () => {
  it.each([
    [0, '1970-01-01T00:00:00.000000Z'],
    [1_700_000_000_123.456, '2023-11-14T22:13:20.123456Z'],
    [1_700_000_000_999.9998, '2023-11-14T22:13:21.000000Z'],
  ])('writes %d as %s', (unixMs, expected) => {
    expect(toTimestamp(unixMs)).toBe(expected);
  });
});

describe('toPairMs', () => {
  it.each([
    [1.23456, 1.235],
    [-0.5, 0],
    [0, 0],
    [Number.NaN, 0],
  ])('writes %d as %d', (value, expected) => {
    expect(toPairMs(value)).toBe(expected);
  });
});

/** Arrays are replaced, objects merged. */
function merge(into: unknown, patch: unknown): unknown {
  if (!isObject(into) || !isObject(patch)) return patch;
  const merged: Record<string, unknown> = { ...into };
  for (const [name, value] of Object.entries(patch)) merged[name] = merge(into[name], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

it('writes nothing that drives a terminal or ends a line, and means the same', () => {
  const hostile = '\u001b[2J\u009b31m\u007f\u2028\u2029\u202egnp\n"<';
  const json = toPairJson({ route: hostile } as Pair);
  expect(json).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u);
  expect(JSON.parse(json)).toEqual({ route: hostile });
});
