import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Config } from '../../src/config/types.ts';
import { checkSample } from '../../src/main/sample.ts';
import { httpCandidate, mirrorConfig } from '../mirror/rig.ts';
import { tempFolder } from '../support/temp-folder.ts';

const GOOD = {
  route: 'score',
  request: { customer: { id: 'c-1' }, amount: 1200, tier: 'gold' },
  headers: { 'X-Tier': 'gold' },
  answer: { score: 0.93, label: 'fraud', model_version: '6.2' },
};

function config(part: Partial<Config['routes'][number]> = {}, own?: object): Config {
  const base = mirrorConfig([
    httpCandidate('http://127.0.0.1:9', {
      prediction: own === undefined ? null : { ...DEFAULTS.route.prediction, ...own },
    }),
  ]);
  return { ...base, routes: base.routes.map((route) => ({ ...route, ...part })) };
}

function found(of: Config, sample: unknown): string[] {
  const path = join(tempFolder(), 'sample.json');
  writeFileSync(path, typeof sample === 'string' ? sample : JSON.stringify(sample));
  return checkSample(of, path).map(({ message }) => message);
}

describe('checkSample', () => {
  it('finds nothing wrong where all pointers find what they should', () => {
    const rules = [
      { id: 'gold', header: '', pointer: '/tier', equals: ['gold'], share: 1 },
      { id: 'vip', header: 'x-tier', pointer: '', equals: ['vip'], share: 1 },
    ];
    const sampling = { key: '/customer/id', keyHeader: '', share: 1, rules };
    expect(found(config({ capture: ['/amount'], join: '/customer/id', sampling }), GOOD)).toEqual(
      [],
    );
    expect(found(config(), [GOOD, GOOD])).toEqual([]);
  });

  it.each<[string, Partial<Config['routes'][number]>]>([
    ['capture /amuont finds nothing', { capture: ['/amuont'] }],
    ['capture /customer finds a list or an object', { capture: ['/customer'] }],
    ['join /id finds nothing', { join: '/id' }],
    [
      'sampling.key /customer/no finds nothing',
      { sampling: { key: '/customer/no', keyHeader: '', share: 1, rules: [] } },
    ],
    [
      'sampling.keyHeader: the sample has no header x-customer',
      { sampling: { ...DEFAULTS.route.sampling, keyHeader: 'x-customer' } },
    ],
    [
      'sampling rule vip: the sample has no header x-vip',
      {
        sampling: {
          key: '',
          keyHeader: '',
          share: 1,
          rules: [{ id: 'vip', header: 'x-vip', pointer: '', equals: ['1'], share: 1 }],
        },
      },
    ],
    [
      'incumbent: the answer reads as score_missing',
      { prediction: { ...DEFAULTS.route.prediction, score: '/p' } },
    ],
    [
      'prediction.modelVersion /version finds no version',
      { prediction: { ...DEFAULTS.route.prediction, modelVersion: '/version' } },
    ],
    [
      'incumbent: the answer reads as items_missing',
      { prediction: { ...DEFAULTS.route.prediction, items: '/rows' } },
    ],
  ])('says: %s', (message, part) => {
    const all = found(config(part), GOOD);
    expect(all).toHaveLength(1);
    expect(all[0]).toContain(message);
  });

  it("reads a candidate's own answer by the candidate's own pointers", () => {
    const sample = { ...GOOD, candidates: { cand: { p: 0.5, label: 'x', model_version: '1' } } };
    expect(found(config({}, { score: '/p' }), sample)).toEqual([]);
    expect(found(config(), sample)[0]).toMatch(/candidate cand: the answer reads as score_missing/);
  });

  it.each([
    ['no JSON', '{'],
    ['no sample', '{"route":"score"}'],
    ['no sample at all', '[]'],
    ['another route', JSON.stringify({ ...GOOD, route: 'nothing' })],
  ])('refuses a file that is %s', (_, text) => {
    expect(() => found(config(), text)).toThrowError(
      expect.objectContaining({ code: 'UND_SAMPLE_FILE' }),
    );
  });

  describe('with redaction', () => {
    const redact = (part: Partial<Config['routes'][number]['redact']>) =>
      config({ redact: { ...DEFAULTS.route.redact.rules, ...part } });
    const sample = { ...GOOD, query: { Customer: 'c-1' } };

    it('finds nothing wrong where each rule finds something', () => {
      const of = redact({
        request: [{ pointer: '/*/id', action: 'hmac', from: 'record' }],
        answers: [{ pointer: '/label', action: 'mask' }],
        query: [{ name: 'customer', action: 'drop' }],
      });
      expect(found(of, sample)).toEqual([]);
    });

    it('names each rule that finds nothing', () => {
      const of = redact({
        request: [{ pointer: '/customer/*/id', action: 'drop', from: 'all' }],
        answers: [{ pointer: '/echo', action: 'drop' }],
        query: [{ name: 'iban', action: 'drop' }],
      });
      expect(found(of, sample)).toEqual([
        'routes score: redact.request /customer/*/id finds nothing in the sample request.',
        "routes score: redact.answers /echo finds nothing in the sample's answers.",
        'routes score: redact.query: the sample has no query parameter iban.',
      ]);
    });

    it('takes a rule that one candidate alone needs, and tells what else loses its value', () => {
      const drop = { action: 'drop', from: 'record' } as const;
      const base = redact({ request: [{ pointer: '/customer', ...drop }] });
      const of = { ...base, routes: base.routes.map((r) => ({ ...r, join: '/customer/id' })) };
      expect(found(of, sample)).toEqual(['routes score: join /customer/id is dropped by redact.']);
      const answers = redact({ answers: [{ pointer: '/score', action: 'mask' }] });
      expect(found(answers, sample)[0]).toContain('reads as score_not_a_number');
    });
  });
});
