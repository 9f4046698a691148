import { describe, expect, it } from 'vitest';
import type { SamplingConfig } from '../../src/config/types.ts';
import type { RequestHead } from '../../src/framing/request-head.ts';
import { MirrorGate } from '../../src/gateway/mirror-gate.ts';
import { candidate, ROUTE } from './rig.ts';

const HEAD = { method: 'POST', target: '/v1/score', upgrade: false, watched: false } as RequestHead;

const marked: string[] = [];

function gate(sampling: Partial<SamplingConfig>, rate: number) {
  const route = { ...ROUTE, sampling: { ...ROUTE.sampling, ...sampling } };
  return new MirrorGate({
    config: { routes: [route], candidates: [candidate(rate)] },
    settings: {
      settings: {
        version: 1,
        enabled: true,
        rates: {},
        requestsPerSecond: {},
        changed: null,
        expiry: null,
        previous: null,
      },
      paused: '',
      rateOf: () => rate,
      onChange: () => {},
    },
    secret: 'a secret of the test',
    epoch: '0123456789abcdefghij',
    alarm: { note: (route) => marked.push(route) },
  });
}

function mirrored(of: MirrorGate, count: number) {
  const exchanges = Array.from({ length: count }, () => of.open(HEAD, 0));
  return exchanges.filter(({ state }) => state === '');
}

const RULE = { id: 'gold', header: '', pointer: '/tier', equals: ['gold'] };

describe('MirrorGate, with sampling rules', () => {
  it('lets through what the largest share and rate can select, and says with which', () => {
    const some = mirrored(gate({ share: 0.1, rules: [{ ...RULE, share: 0.4 }] }, 0.5), 2_000);
    expect(some.every(({ rate, u }) => rate === 0.2 && u < 0.2)).toBe(true);
    expect(some.length).toBeGreaterThan(300);
    expect(some.length).toBeLessThan(500);
    expect(mirrored(gate({ share: 0, rules: [{ ...RULE, share: 1 }] }, 1), 100)).toHaveLength(100);
    expect(mirrored(gate({ share: 0 }, 1), 100)).toHaveLength(0);
  });

  it('draws nothing where a value of the body decides, and lets all through', () => {
    const all = mirrored(gate({ key: '/customer' }, 0.25), 100);
    expect(all).toHaveLength(100);
    expect(all.every(({ rate, u }) => rate === 0.25 && Number.isNaN(u))).toBe(true);
    expect(mirrored(gate({ key: '/customer' }, 0), 100)).toHaveLength(0);
  });
});

describe('MirrorGate, with a shadow mark', () => {
  it('leaves out what is marked and tells of it, and nothing else of that caller', () => {
    const of = gate({}, 1);
    marked.length = 0;
    const states = [true, false, true].map((watched) => {
      const { state, reason } = of.open({ ...HEAD, watched }, 0);
      return [state, reason];
    });
    const left = ['ineligible', 'foreign_mark'];
    expect(states).toEqual([left, ['', ''], left]);
    expect(marked).toEqual(['score', 'score']);
  });

  it('tells of no mark on what would not be mirrored anyway', () => {
    marked.length = 0;
    gate({}, 1).open({ ...HEAD, method: 'PURGE', watched: true }, 0);
    expect(marked).toEqual([]);
  });
});
