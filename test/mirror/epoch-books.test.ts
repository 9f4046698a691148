import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EpochBook } from '../../src/mirror/epoch-book.ts';
import { EpochBooks } from '../../src/mirror/epoch-books.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import type { LegKey } from '../../src/pair/leg-states.ts';
import type { CommittedBooks } from '../../src/record/recorder-port.ts';
import {
  type ExchangeCell,
  ExchangeLedger,
  exchangeCellId,
} from '../../src/wire/exchange-ledger.ts';
import type { SizeClass } from '../../src/wire/exchange-states.ts';
import type { LedgerReport } from '../../src/wire/json-messages.ts';
import { MemoryRecorder } from './memory-recorder.ts';

const EPOCH = 'e';
const CANDIDATES = new Map([
  ['score', ['a', 'b']],
  ['other', ['b']],
]);

interface Spot {
  readonly route: string;
  readonly hour: number;
  readonly sizeClass: SizeClass;
}

type WireItem =
  | ({ readonly kind: 'hello' | 'ledger' | 'farewell' } & LedgerReport)
  | { readonly kind: 'frame'; readonly seq: number; readonly spot: Spot };

/**
 * A gateway, the wire, a mirror and its journal as the simplest things that could be right, with every fault that
 * they can have: cut connections, killed mirrors, a killed gateway, a journal that cannot be opened. `EpochBooks` is the part under test.
 */
class World {
  readonly gateway = new ExchangeLedger(48);
  nextSeq = 1;
  wire: WireItem[] = [];
  isConnected = false;
  isAlive = true;
  legs = new LegLedger();
  recorder = new MemoryRecorder(this.legs);
  books = this.createBooks();
  book: EpochBook | null = null;
  open: LegKey[] = [];
  /** Cells of the connection's reports. */
  reported = new Map<string, ExchangeCell>();
  /** What a crash would leave behind. */
  journal: CommittedBooks = { legs: [], epochs: [] };
  isUnreadable = false;

  offer(spot: Spot, isWritten: boolean): void {
    if (!this.isAlive || !this.isConnected) return;
    this.gateway.see(spot.route, spot.hour);
    this.gateway.settle({ ...spot, state: 'offered', reason: '' });
    if (isWritten) this.wire.push({ kind: 'frame', seq: this.nextSeq, spot });
    this.nextSeq += 1;
  }

  report(kind: 'ledger' | 'farewell'): void {
    if (!this.isAlive || !this.isConnected) return;
    this.wire.push({ kind, ...this.gateway.takeChanges(), nextSeq: this.nextSeq });
    if (kind === 'farewell') this.isAlive = false;
  }

  /** @param howMany - items of the wire that are read before it breaks */
  cut(howMany: number): void {
    this.deliver(howMany);
    this.wire = [];
    if (this.isConnected && this.book !== null) this.books.end(this.book, false);
    this.book = null;
    this.isConnected = false;
  }

  connect(): void {
    if (!this.isAlive || this.isConnected) return;
    this.isConnected = true;
    this.wire = [{ kind: 'hello', ...this.gateway.takeAll(), nextSeq: this.nextSeq }];
  }

  deliver(howMany: number): void {
    for (const item of this.wire.splice(0, howMany)) this.take(item);
  }

  settle(howMany: number): void {
    for (const leg of this.open.splice(0, howMany)) {
      this.legs.settle(leg, 'paired', '');
      this.recorder.count(leg, 'paired', '', 1);
    }
  }

  commit(): void {
    if (this.isUnreadable) return;
    this.journal = structuredClone(this.recorder.books);
  }

  killMirror(isUnreadable = false): void {
    this.isUnreadable = isUnreadable;
    this.wire = [];
    this.isConnected = false;
    this.book = null;
    this.open = [];
    this.legs = new LegLedger();
    this.recorder = new MemoryRecorder(this.legs, isUnreadable ? null : this.journal);
    this.books = this.createBooks();
  }

  /** The journal can be opened after all; what waited for it is on disk at once. */
  heal(): void {
    if (!this.isUnreadable) return;
    this.isUnreadable = false;
    this.recorder.open(this.journal);
  }

  killGateway(): void {
    this.isAlive = false;
    this.cut(Number.POSITIVE_INFINITY);
  }

  /** Legs of a candidate on a route: settled and in flight. */
  accounted(candidate: string, route: string): number {
    return this.legs.account(EPOCH, candidate, route).total;
  }

  offered(route: string): number {
    return this.gateway
      .snapshot()
      .filter((cell) => cell.route === route && cell.state === 'offered')
      .reduce((sum, { count }) => sum + count, 0);
  }

  /** What a report counts as offered is accounted for as soon as it has been read: none waits for an end. */
  private expectAllReported(cells: readonly ExchangeCell[]): void {
    for (const cell of cells) this.reported.set(exchangeCellId(cell), cell);
    if (this.isUnreadable) return;
    for (const [route, names] of CANDIDATES) {
      let offered = 0;
      for (const cell of this.reported.values()) {
        if (cell.route === route && cell.state === 'offered') offered += cell.count;
      }
      for (const name of names) expect(this.accounted(name, route)).toBe(offered);
    }
  }

  private createBooks(): EpochBooks {
    const { legs, recorder } = this;
    const nowMs = () => 3_600_000;
    const books = new EpochBooks({ legs, recorder, candidates: CANDIDATES, nowMs });
    recorder.whenOpened((committed) => {
      legs.restore(committed.legs);
      books.restore(committed);
    });
    return books;
  }

  private take(item: WireItem): void {
    if (item.kind === 'hello') {
      const { kind, cells, ...rest } = item;
      const hello = { version: 1, instance: 'i', epoch: EPOCH, pid: 1, cells, ...rest };
      this.book = this.books.hello(hello);
      expect(this.book).not.toBeNull();
      this.reported = new Map();
      this.expectAllReported(cells);
      return;
    }
    const { book } = this;
    if (book === null) throw new Error('the model sent something before its hello');
    if (item.kind !== 'frame') {
      expect(this.books.report(book, item)).toBe(true);
      this.expectAllReported(item.cells);
      if (item.kind === 'farewell') this.books.end(book, true);
      return;
    }
    expect(book.arrive(item.seq)).toBe(true);
    for (const candidate of CANDIDATES.get(item.spot.route) ?? []) {
      const leg = { epoch: EPOCH, candidate, ...item.spot };
      this.legs.open(leg);
      this.open.push(leg);
    }
  }
}

const spot = fc.record<Spot>({
  route: fc.constantFrom('score', 'other'),
  hour: fc.constantFrom(1, 2),
  sizeClass: fc.constantFrom('le_1k', 'le_16k'),
});

type Step = (world: World) => void;
const few = fc.nat({ max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: spot.map(
      (s): Step =>
        (w) =>
          w.offer(s, true),
    ),
  },
  // Offered, and lost before it was written whole: what a sequence gap is.
  {
    weight: 1,
    arbitrary: spot.map(
      (s): Step =>
        (w) =>
          w.offer(s, false),
    ),
  },
  { weight: 4, arbitrary: fc.constant<Step>((w) => w.report('ledger')) },
  {
    weight: 8,
    arbitrary: few.map(
      (n): Step =>
        (w) =>
          w.deliver(n),
    ),
  },
  {
    weight: 4,
    arbitrary: few.map(
      (n): Step =>
        (w) =>
          w.settle(n),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Step>((w) => w.commit()) },
  { weight: 3, arbitrary: fc.constant<Step>((w) => w.connect()) },
  {
    weight: 2,
    arbitrary: few.map(
      (n): Step =>
        (w) =>
          w.cut(n),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((w) => w.killMirror()) },
  { weight: 1, arbitrary: fc.constant<Step>((w) => w.killMirror(true)) },
  { weight: 2, arbitrary: fc.constant<Step>((w) => w.heal()) },
);

/** No leg is counted beyond what was offered, at any moment. */
function expectNoneTooMany(world: World): void {
  for (const [route, names] of CANDIDATES) {
    for (const name of names) {
      expect(world.accounted(name, route)).toBeLessThanOrEqual(world.offered(route));
    }
  }
}

function expectAllAccounted(world: World): void {
  for (const [route, names] of CANDIDATES) {
    for (const name of names) expect(world.accounted(name, route)).toBe(world.offered(route));
  }
  const journal = world.recorder.books.legs.reduce((sum, { count }) => sum + count, 0);
  const settled = world.legs.snapshot().reduce((sum, { count }) => sum + count, 0);
  expect(settled).toBe(journal);
}

function run(world: World, steps: readonly Step[]): void {
  for (const act of [(w: World) => w.connect(), ...steps]) {
    act(world);
    expectNoneTooMany(world);
  }
}

describe('EpochBooks', () => {
  it('accounts for every offered exchange once, after any faults, when the gateway has come back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const world = new World();
        run(world, steps);
        world.heal();
        world.connect();
        world.report('farewell');
        world.deliver(Number.POSITIVE_INFINITY);
        world.settle(Number.POSITIVE_INFINITY);
        expectAllAccounted(world);
        const [status] = world.books.status();
        expect(status).toMatchObject({
          state: 'clean',
          offered: world.nextSeq - 1,
          received: world.nextSeq - 1,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('charges a loss to the hour and size class where the gateway counted it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const world = new World();
        run(world, steps);
        world.heal();
        world.connect();
        world.report('farewell');
        world.deliver(Number.POSITIVE_INFINITY);
        for (const cell of world.gateway.snapshot()) {
          if (cell.state !== 'offered') continue;
          for (const name of CANDIDATES.get(cell.route) ?? []) {
            const { spots } = world.legs.account(EPOCH, name, cell.route);
            expect(spots.get(`${cell.hour}|${cell.sizeClass}`)).toBe(cell.count);
          }
        }
      }),
    );
  });

  it('shows a killed gateway with sums that hold for what is known', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.boolean(),
        (steps, alsoTheMirror) => {
          const world = new World();
          run(world, steps);
          world.killGateway();
          if (alsoTheMirror) world.killMirror();
          world.heal();
          const [status] = world.books.status();
          if (status === undefined) return; // nothing of it was ever heard, or committed
          expect(status.state).toBe('unclean');
          expect(status.received).toBe(status.offered);
          for (const [route, names] of CANDIDATES) {
            const cells = status.cells.filter((cell) => cell.route === route);
            const sum = (state: string) =>
              cells.filter((cell) => cell.state === state).reduce((n, { count }) => n + count, 0);
            for (const name of names) expect(world.accounted(name, route)).toBe(sum('offered'));
            expect(sum('seen')).toBeGreaterThanOrEqual(sum('offered'));
          }
          expectNoneTooMany(world);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('fits into a status after a year of hours', () => {
    const hours = 365 * 24;
    const world = new World();
    world.isConnected = true;
    for (let hour = 1; hour <= hours; hour++) {
      world.offer({ route: 'score', hour, sizeClass: 'le_1k' }, false);
    }
    world.isConnected = false;
    world.connect();
    world.deliver(1);
    const [status] = world.books.status();
    const cell = { route: 'score', hour: 0, sizeClass: '', reason: '', count: hours };
    expect(status?.cells).toEqual([
      { ...cell, state: 'seen' },
      { ...cell, state: 'offered' },
    ]);
    expect(world.legs.snapshot()).toHaveLength(2 * (48 + 1));
    expect(world.legs.totals()).toHaveLength(2);
  });

  it.each([
    ['offers fewer than have arrived', { nextSeq: 1, count: 0 }],
    ['does not add up', { nextSeq: 5, count: 3 }],
  ])('refuses a report that %s, and changes nothing', (_what, { nextSeq, count }) => {
    const world = new World();
    world.connect();
    world.offer({ route: 'score', hour: 1, sizeClass: 'le_1k' }, true);
    world.deliver(2);
    const before = world.books.status();
    const cell = {
      route: 'score',
      hour: 1,
      sizeClass: 'le_1k',
      state: 'offered',
      reason: '',
    } as const;
    if (world.book === null) throw new Error('no book');
    const report = { nextSeq, foldedBefore: 0, cells: [{ ...cell, count }] };
    expect(world.books.report(world.book, report)).toBe(false);
    expect(world.books.status()).toEqual(before);
  });
});
