import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LegLedger, legCellId } from '../../src/pair/leg-ledger.ts';
import {
  LEG_REASONS,
  LEG_STATES,
  type LegCell,
  type LegKey,
  type LegState,
} from '../../src/pair/leg-states.ts';

const key = fc.record<LegKey>({
  epoch: fc.constantFrom('e1', 'e2'),
  candidate: fc.constantFrom('a', 'b'),
  route: fc.constantFrom('r', 's'),
  hour: fc.integer({ min: 1, max: 3 }),
  sizeClass: fc.constantFrom('le_1k', 'le_16k'),
});

const outcome = fc
  .constantFrom(...LEG_STATES)
  .chain((state) =>
    fc.constantFrom(...LEG_REASONS[state]).map((reason): [LegState, string] => [state, reason]),
  );

type Command =
  | { kind: 'open'; leg: LegKey }
  | { kind: 'settle'; which: number; outcome: [LegState, string] }
  | { kind: 'book'; leg: LegKey; outcome: [LegState, string]; count: number }
  | { kind: 'restart' };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('open' as const), leg: key }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.nat(), outcome }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('book' as const),
      leg: key,
      outcome,
      count: fc.nat({ max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** The simplest thing that could be right: lists. */
class Model {
  open: LegKey[] = [];
  settled: { leg: LegKey; state: LegState; reason: string }[] = [];

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { leg, state, reason } of this.settled) {
      const id = legCellId({ ...leg, state, reason });
      counts[id] = (counts[id] ?? 0) + 1;
    }
    return counts;
  }

  accounted(epoch: string, candidate: string, route: string): number {
    const matches = (leg: LegKey) =>
      leg.epoch === epoch && leg.candidate === candidate && leg.route === route;
    return this.open.filter(matches).length + this.settled.filter(({ leg }) => matches(leg)).length;
  }
}

function run(ledger: LegLedger, model: Model, step: Command): LegLedger {
  if (step.kind === 'open') {
    ledger.open(step.leg);
    model.open.push(step.leg);
  } else if (step.kind === 'settle' && model.open.length > 0) {
    const [leg] = model.open.splice(step.which % model.open.length, 1);
    const [state, reason] = step.outcome;
    if (leg === undefined) return ledger;
    ledger.settle(leg, state, reason);
    model.settled.push({ leg, state, reason });
  } else if (step.kind === 'book') {
    const [state, reason] = step.outcome;
    ledger.book(step.leg, state, reason, step.count);
    for (let i = 0; i < step.count; i++) model.settled.push({ leg: step.leg, state, reason });
  } else if (step.kind === 'restart') {
    // What was in flight is gone; what was settled had been committed.
    const next = new LegLedger();
    next.restore(ledger.snapshot());
    model.open = [];
    return next;
  }
  return ledger;
}

/** By all of a cell's key. */
function countsOf(cells: readonly LegCell[]): Record<string, number> {
  return Object.fromEntries(cells.map((cell) => [legCellId(cell), cell.count]));
}

/** By all but hour and size class. */
function sumsOf(cells: readonly LegCell[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { epoch, candidate, route, state, reason, count } of cells) {
    const id = [epoch, candidate, route, state, reason].join('|');
    sums[id] = (sums[id] ?? 0) + count;
  }
  return sums;
}

describe('LegLedger', () => {
  it('agrees with a list of legs after any sequence of steps, and its sums hold', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80, size: 'max' }), (steps) => {
        const model = new Model();
        let ledger = new LegLedger();
        for (const step of steps) {
          ledger = run(ledger, model, step);
          const cells = ledger.snapshot();
          const total = cells.reduce((sum, { count }) => sum + count, 0);
          expect(ledger.inFlight).toBe(model.open.length);
          expect(total).toBe(model.settled.length);
          expect(sumsOf(ledger.totals())).toEqual(sumsOf(cells));
          expect(countsOf(cells)).toEqual(model.counts());
          for (const epoch of ['e1', 'e2']) {
            for (const candidate of ['a', 'b']) {
              for (const route of ['r', 's']) {
                const account = ledger.account(epoch, candidate, route);
                expect(account.total).toBe(model.accounted(epoch, candidate, route));
                const spots = Array.from(account.spots.values()).reduce((a, b) => a + b, 0);
                expect(spots).toBe(account.total);
              }
            }
          }
        }
      }),
    );
  });

  it('counts the same leg on in the older hours once its own is folded, and once more under each reason', () => {
    const ledger = new LegLedger();
    const leg = { epoch: 'e', candidate: 'a', route: 'r', hour: 7, sizeClass: 'le_1k' };
    for (let i = 0; i < 4; i++) ledger.open(leg);
    ledger.settle(leg, 'shed', 'in_flight');
    ledger.fold('e', 8);
    ledger.settle(leg, 'shed', 'in_flight');
    ledger.settle(leg, 'shed', 'queue_age');
    ledger.open(leg);
    expect(ledger.snapshot()).toEqual([
      { ...leg, hour: 0, state: 'shed', reason: 'in_flight', count: 2 },
      { ...leg, hour: 0, state: 'shed', reason: 'queue_age', count: 1 },
    ]);
    const { total, spots } = ledger.account('e', 'a', 'r');
    expect([total, [...spots]]).toEqual([5, [['0|le_1k', 5]]]);
  });

  it('does not show a cell for a count of 0', () => {
    const ledger = new LegLedger();
    const leg = { epoch: 'e', candidate: 'a', route: 'r', hour: 1, sizeClass: '' };
    ledger.book(leg, 'lost_in_crash', '', 0);
    expect(ledger.snapshot()).toEqual([]);
  });

  it('gives copies: a snapshot does not change with the ledger', () => {
    const ledger = new LegLedger();
    const leg = { epoch: 'e', candidate: 'a', route: 'r', hour: 1, sizeClass: 'le_1k' };
    ledger.book(leg, 'paired', '', 1);
    const before = ledger.snapshot();
    ledger.book(leg, 'paired', '', 1);
    expect(before[0]?.count).toBe(1);
  });
});
