import { describe, expect, it } from 'vitest';
import { renderWaterfall } from '../../src/admin/render-waterfall.ts';
import type { Waterfall } from '../../src/admin/waterfall.ts';

const waterfall: Waterfall = {
  gateways: 2,
  mirrorUp: true,
  exchanges: {
    seen: 9_857,
    states: [
      { state: 'not_selected', reason: '', count: 50 },
      { state: 'shed', reason: 'wire_full', count: 7 },
      { state: 'offered', reason: '', count: 9_799 },
    ],
    open: 1,
    undecided: 0,
  },
  candidates: [
    {
      name: 'fraud-v7',
      offered: 9_799,
      states: [
        { state: 'breaker_open', reason: '', count: 2 },
        { state: 'candidate_error', reason: 'reset', count: 8 },
        { state: 'paired', reason: '', count: 9_788 },
      ],
      open: 1,
      observed: 9_796,
      lost: 9,
      coverage: 9_796 / 9_805,
    },
  ],
  legsInFlight: 1,
  inTransit: 0,
  uncleanEpochs: [
    { epoch: 'e', instance: 'test/gw1', reportedAtMs: 4_000, undecided: 3, unreportedMs: 87.4 },
  ],
  sums: [{ what: 'exchanges: seen = states + open', left: 1, right: 1, ok: true }],
  ok: true,
};

describe('renderWaterfall', () => {
  it('reads in columns, with the losses marked and the sums below', () => {
    expect(renderWaterfall(waterfall, { colour: false, nowMs: 10_000 })).toBe(
      `exchanges seen                             9,857   100.0 %
  not_selected                                50     0.5 %
  shed (wire_full)                             7     0.1 %   ! lost
  offered                                  9,799    99.4 %
  open                                         1   < 0.1 %

copies for fraud-v7                        9,799   100.0 %
  breaker_open                                 2   < 0.1 %   ! lost
  candidate_error (reset)                      8     0.1 %
  paired                                   9,788    99.9 %
  in flight                                    1   < 0.1 %
  coverage                                          99.9 %   9,796 observed, 9 lost

! test/gw1 ended unclean, 87 ms after its last report (6 s ago): 3 undecided

✓ all 1 sums add up
`,
    );
  });

  it('names each sum that does not add up', () => {
    const sums = [{ what: 'legs of v7: offered = states + open', left: 12, right: 11, ok: false }];
    const text = renderWaterfall({ ...waterfall, sums, ok: false }, { colour: false });
    expect(text).toContain('✗ legs of v7: offered = states + open: 12 ≠ 11');
    expect(text).not.toContain('✓');
  });

  it('says which processes do not answer', () => {
    const text = renderWaterfall({ ...waterfall, gateways: 0, mirrorUp: false }, { colour: false });
    expect(text).toContain('no gateway answers');
    expect(text).toContain('the mirror does not answer');
  });

  it('never rounds a loss away', () => {
    const [candidate] = waterfall.candidates;
    const coverage = 0.99999;
    const candidates = [{ ...(candidate as NonNullable<typeof candidate>), coverage }];
    expect(renderWaterfall({ ...waterfall, candidates }, { colour: false })).toContain('> 99.9 %');
  });

  it('R-02: has no escape sequence without colour, whatever the names hold', () => {
    const [candidate] = waterfall.candidates;
    const name = 'v7\u001b[31m\n\u009b';
    const candidates = [{ ...(candidate as NonNullable<typeof candidate>), name }];
    const text = renderWaterfall({ ...waterfall, candidates }, { colour: false });
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('uses colour where it is asked to', () => {
    expect(renderWaterfall(waterfall, { colour: true })).toContain('\u001b[31m');
  });
});
