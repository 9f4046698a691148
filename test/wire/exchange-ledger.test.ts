import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { mergeCells } from '../../src/record/pending-ledgers.ts';
import {
  type ExchangeCell,
  ExchangeLedger,
  exchangeCellId,
  type LedgerChanges,
  type SettledExchange,
  sumOverHours,
} from '../../src/wire/exchange-ledger.ts';
import {
  EXCHANGE_REASONS,
  EXCHANGE_STATES,
  foldedHour,
  hourOf,
  OLDER_HOURS,
  SIZE_CLASSES,
  sizeClassOf,
} from '../../src/wire/exchange-states.ts';
import { encodeHello } from '../../src/wire/json-messages.ts';

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
        const ledger = new ExchangeLedger(48);
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
        const ledger = new ExchangeLedger(48);
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
        const ledger = new ExchangeLedger(48);
        const received = new Map<string, ExchangeCell>();
        const receive = () => {
          for (const cell of ledger.takeChanges().cells) received.set(exchangeCellId(cell), cell);
        };
        for (const [exchange, take] of exchanges) {
          ledger.see(exchange.route, exchange.hour);
          ledger.settle(exchange);
          if (take) receive();
        }
        receive();
        expect(ledger.takeChanges().cells).toEqual([]);
        expect([...received.values()].sort(byId)).toEqual(ledger.snapshot().sort(byId));
      }),
    );
  });

  it('totals a state over routes, hours and reasons', () => {
    const ledger = new ExchangeLedger(48);
    const base = { sizeClass: 'le_1k', state: 'shed' } as const;
    ledger.settle({ ...base, route: 'a', hour: 1, reason: 'wire_full' });
    ledger.settle({ ...base, route: 'b', hour: 2, reason: 'mirror_down' });
    expect(ledger.total('shed')).toBe(2);
    expect(ledger.total('offered')).toBe(0);
  });
});

/** Hours as they come, with a clock that jumps back now and then. */
const timeline = fc
  .array(fc.tuple(settled, fc.constantFrom(0, 0, 0, 1, 1, 2, -1, -3), fc.nat(9)), {
    maxLength: 60,
    size: 'max',
  })
  .map((steps) => {
    let hour = 490_000;
    return steps.map(([exchange, move, what]) => {
      hour += move;
      return { exchange: { ...exchange, hour }, what };
    });
  });

const MAX_HOURS = 3;

/** What a reader of reports knows. */
class Reader {
  readonly cells = new Map<string, ExchangeCell>();
  foldedBefore = 0;
  readonly #folds: boolean;

  /** @param folds - whether it knows of folding */
  constructor(folds: boolean) {
    this.#folds = folds;
  }

  take({ cells, foldedBefore }: LedgerChanges, whole: boolean): void {
    if (whole) this.cells.clear();
    this.foldedBefore = foldedBefore;
    if (this.#folds) mergeCells(this.cells, { cells, foldedBefore });
    else for (const cell of cells) this.cells.set(exchangeCellId(cell), cell);
  }
}

/** Sees each exchange, and settles it at once or, hours later perhaps, with the ones after it. */
function drive(
  ledger: ExchangeLedger,
  step: (seen: SettledExchange, settled: readonly SettledExchange[], what: number) => void,
) {
  const open: SettledExchange[] = [];
  return ({ exchange, what }: { exchange: SettledExchange; what: number }) => {
    ledger.see(exchange.route, exchange.hour);
    open.push(exchange);
    const done = what > 6 ? [] : open.splice(0);
    for (const each of done) ledger.settle(each);
    expect(ledger.open).toBe(open.length);
    step(exchange, done, what);
  };
}

describe('ExchangeLedger folds old hours', () => {
  it('into one, by route, size class, state and reason, and keeps the newest apart', () => {
    fc.assert(
      fc.property(timeline, (steps) => {
        const ledger = new ExchangeLedger(MAX_HOURS);
        const all: Omit<ExchangeCell, 'count'>[] = [];
        let foldedBefore = 0;
        const step = drive(ledger, ({ route, hour }, done) => {
          all.push({ route, hour, sizeClass: '', state: 'seen', reason: '' }, ...done);
          const whole = ledger.takeAll();
          expect(whole.foldedBefore).toBeGreaterThanOrEqual(foldedBefore);
          foldedBefore = whole.foldedBefore;
          const expected = new Map<string, number>();
          for (const cell of all) {
            const id = exchangeCellId({ ...cell, hour: foldedHour(cell.hour, foldedBefore) });
            expected.set(id, (expected.get(id) ?? 0) + 1);
          }
          const found = whole.cells.map((cell) => [exchangeCellId(cell), cell.count] as const);
          expect(new Map(found)).toEqual(expected);
          const kept = new Set(whole.cells.map(({ hour }) => hour));
          kept.delete(OLDER_HOURS);
          expect(kept.size).toBeLessThanOrEqual(MAX_HOURS);
          if (foldedBefore > 0) expect(kept.size).toBe(MAX_HOURS);
        });
        steps.forEach(step);
      }),
      { seed: 20_261_125, numRuns: 80 },
    );
  });

  it.each([true, false])('and a reader has the same sums (it knows of folding: %s)', (folds) => {
    fc.assert(
      fc.property(timeline, (steps) => {
        const ledger = new ExchangeLedger(MAX_HOURS);
        const reader = new Reader(folds);
        reader.take(ledger.takeAll(), true);
        const step = drive(ledger, (_exchange, _done, what) => {
          // For a status: it takes nothing away.
          ledger.snapshot();
          if (what > 5) return;
          if (what === 0) reader.take(ledger.takeAll(), true);
          else reader.take(ledger.takeChanges(), false);
          const known = [...reader.cells.values()].filter(({ count }) => count > 0);
          expect(known.sort(byId)).toEqual(ledger.snapshot().sort(byId));
          expect(sumOverHours(known).sort(byId)).toEqual(ledger.totals().sort(byId));
        });
        steps.forEach(step);
      }),
      { seed: 20_261_125, numRuns: 80 },
    );
  });

  it('and counts as older what is settled later, though it is like the one settled last', () => {
    const ledger = new ExchangeLedger(MAX_HOURS);
    const exchange = {
      route: 'score',
      hour: 1,
      sizeClass: 'le_1k',
      state: 'offered',
      reason: '',
    } as const;
    for (let i = 0; i < 2; i += 1) ledger.see('score', 1);
    ledger.settle(exchange);
    for (let hour = 2; hour <= 4; hour += 1) ledger.see('score', hour);
    ledger.settle(exchange);
    const older = ledger.snapshot().filter(({ hour }) => hour === OLDER_HOURS);
    expect(older.map(({ state, count }) => [state, count])).toEqual([
      ['seen', 2],
      ['offered', 2],
    ]);
  });

  it('at a bound of cells, too: a hello fits into a message of the wire', () => {
    const ledger = new ExchangeLedger(2_400);
    for (let hour = 1; hour <= 1_600; hour += 1) {
      for (let route = 0; route < 40; route += 1)
        ledger.see(`${'r'.repeat(38)}${route}`, 490_000 + hour);
    }
    const whole = ledger.takeAll();
    expect(whole.cells.length).toBeLessThanOrEqual(LIMITS.ledgerCells);
    expect(ledger.totals().reduce((sum, { count }) => sum + count, 0)).toBe(1_600 * 40);
    const hello = { version: 1, instance: 'i', epoch: 'e', pid: 1, nextSeq: 1, ...whole };
    expect(encodeHello(hello).length).toBeLessThan(LIMITS.wireJsonBytes);
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
