import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildWaterfall, type Waterfall } from '../../src/admin/waterfall.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import { LEG_REASONS, LEG_STATES, type LegState } from '../../src/pair/leg-states.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import {
  EXCHANGE_REASONS,
  EXCHANGE_STATES,
  type ExchangeState,
} from '../../src/wire/exchange-states.ts';
import { candidateStatus, epochLedger, gatewayStatus, mirrorStatus } from './statuses.ts';

const HOUR = 494_000;
const exchange = (state: ExchangeState, reason = '', route = 'score') => ({
  route,
  hour: HOUR,
  sizeClass: 'le_1k' as const,
  state,
  reason,
});
const leg = (epoch: string, candidate = 'v7', route = 'score') => ({
  epoch,
  candidate,
  route,
  hour: HOUR,
  sizeClass: 'le_1k',
});

/** A gateway that has seen `n` exchanges and offered them all. */
function offered(n: number): ExchangeLedger {
  const ledger = new ExchangeLedger(48);
  for (let i = 0; i < n; i++) {
    ledger.see('score', HOUR);
    ledger.settle(exchange('offered'));
  }
  return ledger;
}

function settled(ledger: LegLedger, epoch: string, counts: [LegState, string, number][]): void {
  for (const [state, reason, count] of counts) {
    for (let i = 0; i < count; i++) {
      ledger.open(leg(epoch));
      ledger.settle(leg(epoch), state, reason);
    }
  }
}

const failing = ({ sums }: Waterfall) => sums.filter(({ ok }) => !ok).map(({ what }) => what);

describe('buildWaterfall', () => {
  it('adds up exchanges and legs, and says what is lost', () => {
    const exchanges = offered(10);
    for (const [state, reason] of [
      ['shed', 'wire_full'],
      ['not_selected', ''],
      ['ineligible', 'route'],
    ] as const) {
      exchanges.see('score', HOUR);
      exchanges.settle(exchange(state, reason));
    }
    exchanges.see('score', HOUR);
    const legs = new LegLedger();
    settled(legs, 'e1', [
      ['paired', '', 6],
      ['candidate_error', 'reset', 1],
      ['breaker_open', '', 1],
    ]);
    legs.open(leg('e1'));
    const epoch = epochLedger('e1', exchanges, { received: 9 });
    const w = buildWaterfall([gatewayStatus('e1', exchanges)], mirrorStatus(legs, [epoch]));
    expect(failing(w)).toEqual([]);
    expect(w.exchanges).toMatchObject({ seen: 14, open: 1, undecided: 0 });
    expect(w.candidates[0]).toMatchObject({
      name: 'v7',
      offered: 10,
      open: 2,
      observed: 7,
      lost: 2, // one breaker_open, one exchange shed before it became a leg
      coverage: 7 / 9,
    });
    expect([w.legsInFlight, w.inTransit]).toEqual([1, 1]);
  });

  it('counts a gateway that was restarted once, from the mirror, and its successor from itself', () => {
    const old = offered(5);
    const young = offered(2);
    const legs = new LegLedger();
    settled(legs, 'old', [['paired', '', 5]]);
    settled(legs, 'young', [['paired', '', 1]]);
    const w = buildWaterfall(
      [gatewayStatus('young', young)],
      mirrorStatus(legs, [
        epochLedger('old', old, { state: 'clean' }),
        // The mirror's copy is older than the gateway's own.
        epochLedger('young', offered(1)),
      ]),
    );
    expect(w.exchanges.seen).toBe(7);
    expect(w.candidates[0]).toMatchObject({ offered: 7, open: 1 });
    expect(w.inTransit).toBe(1);
    expect(failing(w)).toEqual([]);
  });

  it('shows a killed gateway with its size: what was undecided, and how long it had not reported', () => {
    const last = offered(4);
    last.see('score', HOUR);
    const legs = new LegLedger();
    settled(legs, 'old', [['paired', '', 6]]);
    const epoch = epochLedger('old', last, {
      state: 'unclean',
      received: 6,
      offered: 6,
      unreportedMs: 87,
    });
    const w = buildWaterfall([], mirrorStatus(legs, [epoch]));
    expect(w.uncleanEpochs).toEqual([
      { epoch: 'old', instance: 'test/gw0', reportedAtMs: 1_000, undecided: 1, unreportedMs: 87 },
    ]);
    expect(w.exchanges).toMatchObject({ seen: 5, open: 0, undecided: 1 });
    expect(w.candidates[0]).toMatchObject({ offered: 6, open: 0 });
    expect(failing(w)).toEqual([]);
  });

  it('expects nothing of a candidate in an epoch that ended before it was configured', () => {
    const legs = new LegLedger();
    settled(legs, 'old', [['paired', '', 3]]);
    const candidates = [candidateStatus('v8', ['score'])];
    const w = buildWaterfall(
      [],
      mirrorStatus(legs, [epochLedger('old', offered(3), { state: 'clean' })], { candidates }),
    );
    expect(w.candidates.map(({ name, offered: n, open }) => [name, n, open])).toEqual([
      ['v8', 0, 0],
      ['v7', 3, 0],
    ]);
    expect(failing(w)).toEqual([]);
  });

  it('holds a candidate only to the routes it gets copies of', () => {
    const exchanges = offered(3);
    exchanges.see('other', HOUR);
    exchanges.settle(exchange('offered', '', 'other'));
    const legs = new LegLedger();
    settled(legs, 'e1', [['paired', '', 3]]);
    legs.open(leg('e1', 'v8', 'other'));
    const candidates = [candidateStatus('v7', ['score']), candidateStatus('v8', ['other'])];
    const w = buildWaterfall(
      [gatewayStatus('e1', exchanges)],
      mirrorStatus(legs, [epochLedger('e1', exchanges)], { candidates }),
    );
    expect(w.candidates.map(({ offered: n, open }) => [n, open])).toEqual([
      [3, 0],
      [1, 1],
    ]);
    expect(failing(w)).toEqual([]);
  });

  it('holds a candidate or a route that is configured no more to the legs that it had', () => {
    const exchanges = offered(5);
    exchanges.see('old', HOUR);
    exchanges.settle(exchange('offered', '', 'old'));
    exchanges.see('old', HOUR);
    exchanges.settle(exchange('offered', '', 'old'));
    const legs = new LegLedger();
    settled(legs, 'e1', [['paired', '', 5]]);
    // v7 had a route and v6 was there until the mirror was started anew; the gateway goes on offering.
    legs.book(leg('e1', 'v7', 'old'), 'paired', '', 1);
    legs.book(leg('e1', 'v6'), 'paired', '', 3);
    for (const state of ['live', 'clean'] as const) {
      const gateways = state === 'live' ? [gatewayStatus('e1', exchanges)] : [];
      const w = buildWaterfall(
        gateways,
        mirrorStatus(legs, [epochLedger('e1', exchanges, { state })]),
      );
      expect(w.candidates.map(({ name, offered: n, open }) => [name, n, open])).toEqual([
        ['v7', 6, 0],
        ['v6', 3, 0],
      ]);
      expect(failing(w)).toEqual([]);
    }
  });

  it('shows exchanges alone while no mirror answers', () => {
    const w = buildWaterfall([gatewayStatus('e1', offered(3))], null);
    expect(w).toMatchObject({ mirrorUp: false, candidates: [], inTransit: null, ok: true });
    expect(w.exchanges.seen).toBe(3);
  });

  it.each<[string, (legs: LegLedger, exchanges: ExchangeLedger) => void, string]>([
    [
      'a leg counted twice',
      (legs) => {
        legs.settle(leg('e1'), 'paired', '');
      },
      'legs of v7: offered = states + open',
    ],
    [
      'a leg that was never counted',
      (_, exchanges) => {
        exchanges.see('score', HOUR);
        exchanges.settle(exchange('offered'));
      },
      'legs open = in flight + in transit',
    ],
    [
      'an exchange settled twice',
      (_, exchanges) => exchanges.settle(exchange('shed', 'wire_full')),
      'exchanges: seen = states + open',
    ],
  ])('catches %s', (_, plant, what) => {
    const exchanges = offered(4);
    const legs = new LegLedger();
    settled(legs, 'e1', [['paired', '', 4]]);
    plant(legs, exchanges);
    // A gateway that says of itself what it saw, whatever its cells add up to.
    const status = gatewayStatus('e1', exchanges, { open: 0 });
    const received = { received: exchanges.total('offered') };
    const w = buildWaterfall(
      [status],
      mirrorStatus(legs, [epochLedger('e1', exchanges, received)]),
    );
    expect(failing(w)).toContain(what);
    expect(w.ok).toBe(false);
  });

  it('adds up whatever happens, in whatever order (property)', () => {
    const reasonsOf = (reasons: readonly string[]) => fc.constantFrom(...reasons);
    const event = fc.oneof(
      fc.record({
        kind: fc.constant('exchange' as const),
        gateway: fc.nat(1),
        state: fc.constantFrom(...EXCHANGE_STATES),
        pick: reasonsOf(['0', '1', '2', '3', '4', '5', '6']),
      }),
      fc.record({ kind: fc.constant('arrive' as const), gateway: fc.nat(1) }),
      fc.record({
        kind: fc.constant('leg' as const),
        gateway: fc.nat(1),
        state: fc.constantFrom(...LEG_STATES.filter((state) => state !== 'lost_in_crash')),
      }),
      fc.record({ kind: fc.constant('open' as const), gateway: fc.nat(1) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200, size: 'max' }), (events) => {
        const gateways = [new ExchangeLedger(48), new ExchangeLedger(48)];
        const received = [0, 0];
        const inFlight = [0, 0];
        const legs = new LegLedger();
        for (const e of events) {
          const ledger = gateways[e.gateway] as ExchangeLedger;
          const epoch = `e${e.gateway}`;
          const arrived = received[e.gateway] as number;
          const flying = inFlight[e.gateway] as number;
          if (e.kind === 'exchange') {
            const reasons = EXCHANGE_REASONS[e.state];
            ledger.see('score', HOUR);
            ledger.settle(exchange(e.state, reasons[Number(e.pick) % reasons.length]));
          } else if (e.kind === 'open') {
            ledger.see('score', HOUR);
          } else if (e.kind === 'arrive' && arrived < ledger.total('offered')) {
            received[e.gateway] = arrived + 1;
            inFlight[e.gateway] = flying + 1;
            legs.open(leg(epoch));
          } else if (e.kind === 'leg' && flying > 0) {
            inFlight[e.gateway] = flying - 1;
            legs.settle(leg(epoch), e.state, LEG_REASONS[e.state][0]);
          }
        }
        const epochs = gateways.map((ledger, i) =>
          epochLedger(`e${i}`, ledger, { received: received[i] as number }),
        );
        const statuses = gateways.map((ledger, i) => gatewayStatus(`e${i}`, ledger));
        const w = buildWaterfall(statuses, mirrorStatus(legs, epochs));
        expect(failing(w)).toEqual([]);
        const total = w.exchanges.states.reduce((sum, { count }) => sum + count, 0);
        expect(total + w.exchanges.open).toBe(w.exchanges.seen);
      }),
      { seed: 4711, numRuns: 300 },
    );
  });
});
