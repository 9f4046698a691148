/**
 * Two gateways, their wires, a mirror and its journal, with every fault that they can have: the ledgers, the wire's
 * reports, the books and the journal are the real ones. Beside them stands the model: a list of exchanges, and of
 * each copy what has become of it.
 */
import { rmSync } from 'node:fs';
import { expect } from 'vitest';
import { buildWaterfall } from '../../src/admin/waterfall.ts';
import type { EpochBook } from '../../src/mirror/epoch-book.ts';
import { EpochBooks, participantsOf } from '../../src/mirror/epoch-books.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import type { LegKey } from '../../src/pair/leg-states.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { ExchangeLedger, type SettledExchange } from '../../src/wire/exchange-ledger.ts';
import { isFolded, type SizeClass } from '../../src/wire/exchange-states.ts';
import type { LedgerReport } from '../../src/wire/json-messages.ts';
import { candidateStatus, gatewayStatus, mirrorStatus } from '../admin/statuses.ts';
import { journalFolder, SyncRecorder } from './sync-recorder.ts';

/** Hours that the ledgers keep apart: so few that they fold often. */
const HOURS_KEPT = 2;
export const ROUTES = ['score', 'other'] as const;
/** `a` gets copies of all routes, `b` of one. */
export const CONFIGS = {
  both: new Map([
    ['score', ['a', 'b']],
    ['other', ['a']],
  ]),
  onlyA: new Map([
    ['score', ['a']],
    ['other', ['a']],
  ]),
} as const;
export type ConfigName = keyof typeof CONFIGS;

type WireItem =
  | { readonly kind: 'hello' | 'ledger' | 'farewell'; readonly report: LedgerReport }
  | { readonly kind: 'frame'; readonly seq: number; readonly exchange: Exchange };

/** What became of one copy: on its way, handed to the recorder, or told by it. In which journal it is, if it is. */
interface Copy {
  state: 'none' | 'open' | 'handed' | 'paired' | 'dropped';
  journal: number;
}

interface Exchange {
  readonly route: string;
  readonly hour: number;
  readonly sizeClass: SizeClass;
  readonly copies: Map<string, Copy>;
  /** Candidates that the mirror had, to which it was offered. */
  readonly meantFor: readonly string[];
  /** For whom it was meant, nobody knows: its mirror died before the journal had heard of the gateway, or the journal did. */
  isVague: boolean;
}

class Gateway {
  readonly epoch: string;
  readonly ledger = new ExchangeLedger(HOURS_KEPT);
  readonly offered: Exchange[] = [];
  wire: WireItem[] = [];
  isConnected = false;
  isAlive = true;
  book: EpochBook | null = null;
  /** Seen, not yet decided. */
  open: SettledExchange[] = [];
  seen = 0;
  /** The journal that has heard of it last. */
  journal = 0;
  heard = false;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  get report(): Pick<LedgerReport, 'nextSeq'> {
    return { nextSeq: this.offered.length + 1 };
  }
}

interface OpenLeg {
  readonly key: LegKey;
  readonly copy: Copy;
}

export class World {
  readonly gateways = [new Gateway('e1'), new Gateway('e2')];
  readonly folder = journalFolder();
  config: ConfigName = 'both';
  hour = 490_000;
  journal = 1;
  /** Whether the journal is still the one that this mirror has opened. */
  isJournalWhole = true;
  legs = new LegLedger();
  openLegs: OpenLeg[] = [];
  handed = new Map<string, Copy>();
  ids = 0;
  recorder: SyncRecorder;
  books: EpochBooks;

  constructor() {
    this.recorder = this.createRecorder();
    this.books = this.createBooks();
  }

  get candidates(): ReadonlyMap<string, readonly string[]> {
    return CONFIGS[this.config];
  }

  see(gateway: Gateway, route: string, sizeClass: SizeClass): void {
    gateway.ledger.see(route, this.hour);
    gateway.seen += 1;
    gateway.open.push({ route, hour: this.hour, sizeClass, state: 'offered', reason: '' });
  }

  /** Decides an exchange that was seen, perhaps hours ago. @param isWritten - or cut on the wire: a gap */
  decide(gateway: Gateway, isWritten: boolean): void {
    const exchange = gateway.open.shift();
    if (exchange === undefined) return;
    if (!gateway.isConnected) {
      gateway.ledger.settle({ ...exchange, state: 'shed', reason: 'mirror_down' });
      return;
    }
    gateway.ledger.settle(exchange);
    const { route, hour, sizeClass } = exchange;
    const meantFor = this.candidates.get(route) ?? [];
    const offered = { route, hour, sizeClass, meantFor, copies: new Map(), isVague: false };
    gateway.offered.push(offered);
    const seq = gateway.offered.length;
    if (isWritten) gateway.wire.push({ kind: 'frame', seq, exchange: offered });
  }

  report(gateway: Gateway, kind: 'ledger' | 'farewell'): void {
    if (!gateway.isAlive || !gateway.isConnected) return;
    const report = { ...gateway.ledger.takeChanges(), ...gateway.report };
    gateway.wire.push({ kind, report });
    if (kind === 'farewell') gateway.isAlive = false;
  }

  connect(gateway: Gateway): void {
    if (!gateway.isAlive || gateway.isConnected) return;
    gateway.isConnected = true;
    const report = { ...gateway.ledger.takeAll(), ...gateway.report };
    gateway.wire = [{ kind: 'hello', report }];
  }

  deliver(gateway: Gateway, howMany = Number.POSITIVE_INFINITY): void {
    for (const item of gateway.wire.splice(0, howMany)) this.#take(gateway, item);
  }

  /** The connection breaks after so many more messages. */
  cut(gateway: Gateway, howMany: number): void {
    if (!gateway.isConnected) return;
    this.deliver(gateway, howMany);
    gateway.wire = [];
    if (gateway.book !== null && gateway.isConnected) this.books.end(gateway.book, false);
    this.#disconnect(gateway);
  }

  killGateway(gateway: Gateway): void {
    this.cut(gateway, Number.POSITIVE_INFINITY);
    gateway.isAlive = false;
    gateway.open = [];
  }

  /** Candidates have answered: the outcomes go to the recorder. */
  settle(howMany: number): void {
    for (const { key, copy } of this.openLegs.splice(0, howMany)) {
      this.ids += 1;
      const entry = entryOf(`${key.epoch}.${this.ids}/${key.candidate}`, key);
      copy.state = 'handed';
      this.handed.set(entry.id, copy);
      this.recorder.record(entry);
    }
  }

  commit(): void {
    this.recorder.commit();
    for (const gateway of this.gateways) if (gateway.heard) gateway.journal = this.journal;
    this.#each((copy) => {
      const isToldNow = copy.journal === 0 && (copy.state === 'paired' || copy.state === 'dropped');
      if (isToldNow) copy.journal = this.journal;
    });
  }

  refuse(): void {
    this.recorder.refuse();
  }

  quarantine(): void {
    this.recorder.quarantine();
    this.journal += 1;
    this.isJournalWhole = false;
    for (const { offered } of this.gateways)
      for (const exchange of offered) exchange.isVague = true;
  }

  /** Killed, and started again, perhaps with other candidates. */
  restartMirror(config: ConfigName): void {
    this.recorder.close();
    this.config = config;
    this.isJournalWhole = true;
    for (const gateway of this.gateways) {
      this.#disconnect(gateway);
      gateway.heard = false;
      if (gateway.journal === this.journal) continue;
      for (const exchange of gateway.offered) exchange.isVague = true;
    }
    this.legs = new LegLedger();
    this.openLegs = [];
    this.handed = new Map();
    this.#each((copy) => {
      if (copy.journal !== this.journal) copy.state = 'none';
    });
    this.recorder = this.createRecorder();
    this.books = this.createBooks();
  }

  /** No leg too many, and the sums of the waterfall, whatever has just happened. */
  check(): void {
    for (const { epoch, book } of this.gateways) {
      if (book === null) continue;
      const hours = this.legs.snapshot().filter((cell) => cell.epoch === epoch);
      expect(hours.filter(({ hour }) => isFolded(hour, book.foldedBefore))).toEqual([]);
    }
    for (const gateway of this.gateways) {
      expect(gateway.ledger.seen).toBe(gateway.seen);
      for (const route of ROUTES) {
        const offered = gateway.offered.filter((exchange) => exchange.route === route).length;
        for (const candidate of ['a', 'b']) {
          const { total, spots } = this.legs.account(gateway.epoch, candidate, route);
          expect(total).toBeLessThanOrEqual(offered);
          expect(Array.from(spots.values()).reduce((a, b) => a + b, 0)).toBe(total);
        }
      }
    }
    this.#checkWaterfall();
  }

  /** At rest: each copy of each exchange has one state, and it is the right one; the journal agrees. */
  checkRest(): void {
    for (const gateway of this.gateways) {
      if (!gateway.isAlive) continue;
      for (const [route, names] of this.candidates) {
        for (const name of names) this.#checkRoute(gateway, route, name);
      }
      const inJournal = this.recorder.books().epochs.find(({ epoch }) => epoch === gateway.epoch);
      expect(sorted(inJournal?.cells ?? [])).toEqual(sorted(gateway.ledger.snapshot()));
    }
    if (!this.isJournalWhole) return;
    const committed = this.recorder.books().legs.filter(({ count }) => count > 0);
    expect(sorted(committed)).toEqual(sorted(this.legs.snapshot()));
  }

  remove(): void {
    this.recorder.close();
    rmSync(this.folder, { recursive: true });
  }

  #checkRoute(gateway: Gateway, route: string, candidate: string): void {
    const exchanges = gateway.offered.filter((exchange) => exchange.route === route);
    const count = (state: Copy['state']) =>
      exchanges.filter(({ copies }) => copies.get(candidate)?.state === state).length;
    const legs = this.legs
      .totals()
      .filter((cell) => cell.epoch === gateway.epoch && cell.route === route)
      .filter((cell) => cell.candidate === candidate);
    const sum = (state: string) =>
      legs.filter((cell) => cell.state === state).reduce((n, cell) => n + cell.count, 0);
    expect(this.legs.account(gateway.epoch, candidate, route).total).toBe(exchanges.length);
    expect(sum('paired')).toBe(count('paired'));
    expect(sum('journal_dropped')).toBe(count('dropped'));
    const strangers = exchanges.filter(
      ({ meantFor, isVague }) => isVague || !meantFor.includes(candidate),
    ).length;
    // What was meant for the candidate and is gone is a loss, and never called anything else.
    expect(sum('ineligible')).toBeLessThanOrEqual(strangers);
    expect(sum('lost_in_crash')).toBe(
      exchanges.length - count('paired') - count('dropped') - sum('ineligible'),
    );
  }

  #checkWaterfall(): void {
    const candidates = ['a', 'b'].flatMap((name) => {
      const routes = ROUTES.filter((route) => this.candidates.get(route)?.includes(name));
      return routes.length === 0 ? [] : [candidateStatus(name, routes)];
    });
    const mirror = mirrorStatus(this.legs, this.books.status(), { candidates });
    const gateways = this.gateways
      .filter(({ isAlive }) => isAlive)
      .map(({ epoch, ledger }) => gatewayStatus(epoch, ledger));
    const waterfall = buildWaterfall(gateways, mirror);
    expect(waterfall.sums.filter(({ ok }) => !ok)).toEqual([]);
  }

  #take(gateway: Gateway, item: WireItem): void {
    if (item.kind === 'hello') {
      const { epoch } = gateway;
      gateway.heard = true;
      gateway.book = this.books.hello({ version: 1, instance: 'i', epoch, pid: 1, ...item.report });
      this.#checkReported(gateway);
      return;
    }
    const { book } = gateway;
    if (book === null) throw new Error('the model sent something before its hello');
    if (item.kind !== 'frame') {
      expect(this.books.report(book, item.report)).toBe(true);
      this.#checkReported(gateway);
      if (item.kind === 'farewell') {
        this.books.end(book, true);
        this.#disconnect(gateway);
      }
      return;
    }
    expect(book.arrive(item.seq)).toBe(true);
    const { route, hour, sizeClass, copies } = item.exchange;
    for (const candidate of this.candidates.get(route) ?? []) {
      const copy: Copy = { state: 'open', journal: 0 };
      copies.set(candidate, copy);
      const key = { epoch: gateway.epoch, candidate, route, hour, sizeClass };
      this.legs.open(key);
      this.openLegs.push({ key, copy });
    }
  }

  /** What a report counts as offered is accounted for as soon as it has been read. */
  #checkReported({ book, epoch }: Gateway): void {
    expect(book).not.toBeNull();
    for (const [route, { total }] of book?.offered() ?? []) {
      for (const name of this.candidates.get(route) ?? []) {
        expect(this.legs.account(epoch, name, route).total).toBe(total);
      }
    }
  }

  #disconnect(gateway: Gateway): void {
    gateway.wire = [];
    gateway.book = null;
    gateway.isConnected = false;
  }

  #each(act: (copy: Copy) => void): void {
    for (const { offered } of this.gateways) {
      for (const { copies } of offered) for (const copy of copies.values()) act(copy);
    }
  }

  private createRecorder(): SyncRecorder {
    const configured = participantsOf(this.candidates);
    return new SyncRecorder(this.folder, configured, ({ id, leg }, state, reason) => {
      this.legs.settle(leg, state, reason);
      const copy = this.handed.get(id);
      if (copy !== undefined) copy.state = state === 'paired' ? 'paired' : 'dropped';
    });
  }

  private createBooks(): EpochBooks {
    const { legs, recorder, candidates } = this;
    const books = new EpochBooks({ legs, recorder, candidates, nowMs: () => 1 });
    legs.restore(recorder.committed.legs);
    books.restore(recorder.committed);
    return books;
  }
}

function entryOf(id: string, leg: LegKey): PairEntry {
  const rest = { reason: '', key: 'k', experiment: 'x', timeMs: 1, json: `"${id}"` };
  return { leg, state: 'paired', id, ...rest };
}

function sorted(cells: readonly object[]): string[] {
  return cells.map((cell) => JSON.stringify(Object.entries(cell).sort())).sort();
}
