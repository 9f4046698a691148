import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExchangeCell,
  ExchangeLedger,
  exchangeCellId,
} from '../../src/wire/exchange-ledger.ts';
import {
  EXCHANGE_REASONS,
  EXCHANGE_STATES,
  hourOf,
  SIZE_CLASSES,
  sizeClassOf,
} from '../../src/wire/exchange-states.ts';

const routes = fc.constantFrom('score', 'batch', '-');
const hours = fc.constantFrom(490_000, 490_001);
const settled = fc
  .record({
    route: routes,
    hour: hours,
    sizeClass: fc.constantFrom(...SIZE_CLASSES),
    state: fc.constantFrom(...EXCHANGE_STATES),
    pick: fc.nat(),
  })
  .map(({ pick, ...rest }) => {
    const reasons: readonly string[] = EXCHANGE_REASONS[rest.state];
    return { ...rest, reason: reasons[pick % reasons.length] ?? '' };
  });

describe('ExchangeLedger', () => {
  it('holds seen = Σ settled + open at every moment, for each route and hour', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(settled, fc.nat(3))), (exchanges) => {
        const ledger = new ExchangeLedger();
        const waiting: (typeof exchanges)[number][0][] = [];
        let expectedSettled = 0;
        for (const [exchange, delay] of exchanges) {
          ledger.see(exchange.route, exchange.hour);
          waiting.push(exchange);
          if (delay > 0) continue;
          for (const done of waiting.splice(0)) {
            ledger.settle(done);
            expectedSettled += 1;
          }
          const cells = ledger.snapshot();
          const sum = (pick: (c: ExchangeCell) => boolean) =>
            cells.filter(pick).reduce((total, c) => total + c.count, 0);
          expect(sum((c) => c.state === 'seen')).toBe(ledger.seen);
          expect(sum((c) => c.state !== 'seen')).toBe(expectedSettled);
          expect(ledger.seen - expectedSettled).toBe(ledger.open);
          for (const cell of cells.filter((c) => c.state === 'seen')) {
            const same = (c: ExchangeCell) => c.route === cell.route && c.hour === cell.hour;
            expect(sum((c) => same(c) && c.state !== 'seen')).toBe(cell.count);
          }
        }
      }),
    );
  });

  it('counts each route, hour, size class, state and reason by itself', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(settled, fc.nat(2))), (exchanges) => {
        const ledger = new ExchangeLedger();
        const counts = new Map<string, number>();
        const count = (id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
        for (const [exchange, again] of exchanges) {
          for (let i = 0; i <= again; i++) {
            ledger.see(exchange.route, exchange.hour);
            count(exchangeCellId({ ...exchange, sizeClass: '', state: 'seen', reason: '' }));
            ledger.settle(exchange);
            count(exchangeCellId(exchange));
          }
        }
        const cells = ledger.snapshot().map((cell) => [exchangeCellId(cell), cell.count] as const);
        expect(new Map(cells)).toEqual(counts);
      }),
      { numRuns: 500 },
    );
  });

  it('carries the whole ledger in its changes, whenever they are taken', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(settled, fc.boolean())), (exchanges) => {
        const ledger = new ExchangeLedger();
        const received = new Map<string, ExchangeCell>();
        const receive = () => {
          for (const cell of ledger.takeChanges()) received.set(exchangeCellId(cell), cell);
        };
        for (const [exchange, take] of exchanges) {
          ledger.see(exchange.route, exchange.hour);
          ledger.settle(exchange);
          if (take) receive();
        }
        receive();
        expect(ledger.takeChanges()).toEqual([]);
        expect([...received.values()].sort(byId)).toEqual(ledger.snapshot().sort(byId));
      }),
    );
  });

  it('totals a state over routes, hours and reasons', () => {
    const ledger = new ExchangeLedger();
    const base = { sizeClass: 'le_1k', state: 'shed' } as const;
    ledger.settle({ ...base, route: 'a', hour: 1, reason: 'wire_full' });
    ledger.settle({ ...base, route: 'b', hour: 2, reason: 'mirror_down' });
    expect(ledger.total('shed')).toBe(2);
    expect(ledger.total('offered')).toBe(0);
  });
});

describe('size class and hour', () => {
  it('bounds are inclusive', () => {
    expect([0, 1_024, 1_025, 16_384, 16_385, 262_144, 262_145].map(sizeClassOf)).toEqual([
      'le_1k',
      'le_1k',
      'le_16k',
      'le_16k',
      'le_256k',
      'le_256k',
      'gt_256k',
    ]);
    expect(hourOf(3_600_000 * 5 + 0.5)).toBe(5);
  });
});

function byId(a: ExchangeCell, b: ExchangeCell): number {
  return exchangeCellId(a) < exchangeCellId(b) ? -1 : 1;
}
