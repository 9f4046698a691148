import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { SamplingConfig } from '../../src/config/types.ts';
import { ParseBudget } from '../../src/mirror/parse-budget.ts';
import { compileSampling, toPairKey } from '../../src/mirror/sampling.ts';
import { drawnNumber } from '../../src/wire/selection.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  SECRET,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { rawRequest, type Said, WireClient } from './wire-client.ts';

const READING = {
  limits: { maxBytes: 100_000, maxRatio: 100 },
  budget: new ParseBudget(10_000_000),
};
const GOLD = { id: 'gold', header: '', pointer: '/tier', equals: ['gold'], share: 1 };
const VIP = { id: 'vip', header: 'x-tier', pointer: '', equals: ['vip', '1'], share: 0.5 };

function sample(sampling: Partial<SamplingConfig>, said: Said) {
  const config = { ...DEFAULTS.route.sampling, ...sampling };
  return compileSampling({ sampling: config }, READING)(rawRequest(said));
}

describe('compileSampling', () => {
  it('gives every exchange the default rule where there is none', () => {
    const rest = { value: null, isKeyMissing: false };
    expect(sample({}, {})).toEqual({ rule: 'default', share: 1, ...rest });
    expect(sample({ share: 0.01 }, {})).toEqual({ rule: 'default', share: 0.01, ...rest });
  });

  it.each<[string, Said]>([
    ['gold', { body: '{"tier":"gold"}' }],
    ['gold', { body: '{"tier":"gold"}', headers: ['X-Tier: vip'] }],
    ['vip', { body: '{"tier":"iron"}', headers: ['X-TIER: vip'] }],
    ['vip', { headers: ['x-tier: 1'] }],
    ['default', { headers: ['x-tier: VIP'] }],
    ['default', { body: '{"tier":"gold' }],
    ['default', { body: '{"tier":["gold"]}' }],
    ['default', { body: 'no json' }],
    ['gold', { body: gzipSync('{"tier":"gold"}'), headers: ['Content-Encoding: gzip'] }],
    ['default', { body: `{"tier":"gold","x":"${'x'.repeat(200_000)}"}` }],
  ])('finds rule %s', (rule, said) => {
    expect(sample({ rules: [GOLD, VIP], share: 0.01 }, said).rule).toBe(rule);
  });

  it.each<[string, string | null]>([
    ['{"customer":{"id":"c-1"}}', 'c-1'],
    ['{"customer":{"id":9007199254740993}}', '9007199254740993'],
    ['{"customer":{"id":7}}', '7'],
    ['{"customer":{"id":true}}', 'true'],
    ['{"customer":{"id":""}}', null],
    ['{"customer":{"id":{}}}', null],
    ['{"customer":7}', null],
    ['', null],
  ])('draws %s by %s', (body, value) => {
    const { share, rule, ...rest } = sample({ key: '/customer/id' }, { body });
    expect({ share, rule }).toEqual({ share: 1, rule: 'default' });
    expect(rest).toEqual({ value, isKeyMissing: value === null });
  });
});

describe('a mirror with sampling rules', () => {
  async function start(sampling: Partial<SamplingConfig>, candidates = ['cand']) {
    const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"x"}'));
    const config = mirrorConfig(candidates.map((name) => httpCandidate(url, { name })));
    const [route] = config.routes;
    if (route === undefined) throw new Error('no route');
    const routes = [{ ...route, sampling: { ...route.sampling, ...sampling } }];
    const rig = await startMirror({ ...config, routes });
    const gateway = new WireClient();
    await gateway.connect(rig.wireSocket);
    return { rig, gateway };
  }

  it('copies all of one kind and a part of the rest, each pair with its rule and probability', async () => {
    const { rig, gateway } = await start({ rules: [GOLD], share: 0.1 });
    for (let i = 0; i < 100; i++) gateway.offer({ body: `{"tier":"${i % 4 ? 'iron' : 'gold'}"}` });
    await settled(rig, gateway);
    const pairs = rig.recorder.pairs.map(({ selection }) => selection);
    const gold = pairs.filter(({ rule }) => rule === 'gold');
    expect(gold).toHaveLength(25);
    expect(gold.every(({ probability }) => probability === 1)).toBe(true);
    const rest = pairs.filter(({ rule }) => rule === 'default');
    const u = Array.from({ length: 100 }, (_, i) =>
      drawnNumber(SECRET, `${gateway.epoch}.${i + 101}`),
    );
    expect(rest).toHaveLength(u.filter((value, i) => i % 4 && value < 0.1).length);
    expect(rest.every((one) => one.probability === 0.1 && one.u < 0.1)).toBe(true);
    expectBalancedBooks(rig, gateway);
  });

  it('scales shares by the rate, so that rate 0 stops all of them', async () => {
    const { rig, gateway } = await start({ rules: [GOLD], share: 0.1 });
    rig.settings.rates.set('cand', 0.5);
    for (let i = 0; i < 100; i++) gateway.offer({ body: '{"tier":"gold"}' });
    await settled(rig, gateway);
    expect(rig.recorder.pairs.every(({ selection }) => selection.probability === 0.5)).toBe(true);
    const copied = rig.recorder.pairs.length;
    rig.settings.rates.set('cand', 0);
    for (let i = 0; i < 50; i++) gateway.offer({ body: '{"tier":"gold"}' });
    await settled(rig, gateway);
    expect(rig.recorder.pairs).toHaveLength(copied);
    expect(legsIn(rig, 'not_selected')).toBe(150 - copied);
    expectBalancedBooks(rig, gateway);
  });

  it('draws by a value of the body, alike for all candidates, and never shows the value', async () => {
    const { rig, gateway } = await start({ key: '/customer' }, ['a', 'b']);
    rig.settings.rates.set('a', 0.5).set('b', 0.2);
    const customers = Array.from({ length: 60 }, (_, i) => `customer-${i % 20}`);
    for (const customer of customers) gateway.offer({ body: `{"customer":"${customer}"}` });
    gateway.offer({ body: '{}' });
    await settled(rig, gateway);
    for (const [name, rate] of [
      ['a', 0.5],
      ['b', 0.2],
    ] as const) {
      const selected = customers.filter((customer) => drawnNumber(SECRET, customer) < rate);
      const keys = rig.recorder.pairs
        .filter(({ candidate }) => candidate.name === name)
        .map(({ key }) => key)
        .filter((key) => key.startsWith('hmac:'));
      expect(keys.sort()).toEqual(selected.map((value) => toPairKey(SECRET, value)).sort());
      expect(new Set(keys).size).toBe(new Set(selected).size);
    }
    expect(JSON.stringify(rig.recorder.pairs)).not.toContain('customer-');
    expect(rig.mirror.status().selectionKeysMissing).toBe(1);
    expectBalancedBooks(rig, gateway);
  });
});
