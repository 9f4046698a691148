import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { comparePair } from '../../src/mirror/compare-pair.ts';
import { compileRoute, decodeExchange } from '../../src/mirror/decode-exchange.ts';
import { observeCandidate } from '../../src/mirror/observe.ts';
import { ParseBudget } from '../../src/mirror/parse-budget.ts';
import { buildPair, toPairJson } from '../../src/pair/build-pair.ts';
import { drawEpoch } from '../../src/wire/epoch.ts';
import { rawAnswer, WireClient } from './wire-client.ts';

const schema: object = JSON.parse(
  readFileSync(new URL('../../schemas/pair-1.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({ strictRequired: false, allowUnionTypes: true }).compile(schema);

/** Texts that are nearly answers: JSON, JSON with what Python writes, and pieces of it. */
const number = fc.oneof(
  fc.double().map(String),
  fc.constantFrom('NaN', '-Infinity', '1e400', '9007199254740993', '-0', '0.10', '1E2', 'null'),
);
const row = fc
  .record({ id: fc.oneof(number, fc.json()), score: number, label: fc.json(), p: fc.json() })
  .map(({ id, score, label, p }) => `{"id":${id},"score":${score},"label":${label},"p":${p}}`);
const list = fc.array(row, { maxLength: 4 }).map((rows) => `{"rows":[${rows.join()}],"v":"1"}`);
const text = fc.oneof(
  { weight: 4, arbitrary: list },
  { weight: 2, arbitrary: fc.tuple(list, fc.nat(60)).map(([all, end]) => all.slice(0, -end - 1)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.nat(200).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`) },
);
const body = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => Buffer.from(value)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
);
const coded = fc
  .tuple(
    body,
    fc.constantFrom<[string, (bytes: Buffer) => Buffer]>(
      ['', (bytes) => bytes],
      ['gzip', (bytes) => gzipSync(bytes)],
      ['br', (bytes) => brotliCompressSync(bytes)],
      ['zstd, gzip', (bytes) => gzipSync(zstdCompressSync(bytes))],
      ['gzip', (bytes) => bytes],
      ['lzma', (bytes) => bytes],
    ),
  )
  .map(([bytes, [encoding, encode]]) => ({ encoding, bytes: encode(bytes) }));

const budget = new ParseBudget(1_000_000);
const limits = { maxBytes: 10_000, maxRatio: 50 };
const route = compileRoute(
  {
    name: 'score',
    methods: ['POST'],
    path: '/v1/score',
    capture: ['/amount'],
    join: '/id',
    redact: DEFAULTS.route.redact.rules,
    sampling: { ...DEFAULTS.route.sampling, key: '/id' },
    compare: { tolerance: 0, relativeTolerance: 0, structure: true, ignore: ['/rows/*/id'] },
    prediction: {
      ...DEFAULTS.route.prediction,
      items: '/rows',
      modelVersion: '/v',
      id: '/id',
      classes: '/p',
    },
  },
  { limits, budget, tolerance: 1e-6, keys: { current: null } },
);

it('any two answers, as hostile as they are, make a pair of the published schema or a counted state', () => {
  const client = new WireClient();
  const epoch = drawEpoch();
  const status = fc.constantFrom(200, 201, 404, 500);
  fc.assert(
    fc.property(coded, coded, status, body, (ours, theirs, code, asked) => {
      const frame = client.frame({ body: asked });
      const headers = ours.encoding === '' ? [] : [`Content-Encoding: ${ours.encoding}`];
      const answer = rawAnswer({ answer: ours.bytes, answerHeaders: headers });
      route.sampling(frame.request);
      const decoded = decodeExchange({ ...frame, answer }, route, {
        origin: { instance: 'i', epoch, experiment: 'x', u: 0.5, key: `${epoch}.1`, mark: 'm' },
        limits,
        budget,
        headers: () => true,
      });
      if ('state' in decoded) {
        expect(decoded.state).toBe('undecodable');
        return;
      }
      budget.giveBack(decoded.parseCost);
      const candidate = observeCandidate(
        {
          kind: 'answer',
          status: code,
          contentType: '',
          contentEncoding: theirs.encoding,
          body: theirs.bytes,
          firstByteMs: frame.endMs + 1,
          endMs: frame.endMs + 2,
        },
        {
          name: 'c',
          endMs: frame.endMs,
          dispatchMs: frame.endMs,
          limits,
          budget,
          read: route.read,
          redact: null,
        },
      );
      const pair = buildPair(
        decoded.facts,
        {
          probability: 1,
          rule: 'default',
          flags: [],
          candidate: candidate.observation,
          state: 'paired',
        },
        comparePair(decoded.incumbent, candidate, route.compare),
      );
      const valid = validate(JSON.parse(toPairJson(pair)));
      expect(valid ? [] : validate.errors).toEqual([]);
    }),
    { numRuns: 500 },
  );
  expect(budget.held).toBe(0);
});
