/**
 * The books of all gateway epochs, held against the ledger of legs: what was offered and is not accounted for
 * is booked as lost, when it is certain that it will not arrive.
 *
 *   when                                          what is certain
 *   start, for each epoch of the journal          its old connection went with the old mirror
 *   hello                                         what was offered before this connection
 *   ledger, farewell, behind a gap in sequences   what was offered before this report
 *
 * Lost (`lost_in_crash`) it is for a candidate that was configured in the mirror to which it was offered. For one
 * that was not, then, it is `ineligible(not_configured)`: it was added since, or removed and added again.
 *
 * Until the journal has been read, nothing is certain: what earlier mirrors have counted would be booked as lost
 * beside it. Then books are left in doubt, and settled by their next report.
 *
 * Invariant, for each epoch, and each candidate of each route, whenever no frame is on its way:
 *   offered = legs settled + legs in flight (the candidate's `account` in the ledger of legs)
 *
 * Sums are exact by route. By hour and size class a loss is charged where the gateway counted more than arrived;
 * a leg's own hour is that of its exchange's start, which can be one later than its head's.
 */
import type { LegLedger } from '../pair/leg-ledger.ts';
import { legSpot } from '../pair/leg-ledger.ts';
import type { LegCell, LegState } from '../pair/leg-states.ts';
import type { ReceivedEpoch } from '../record/mirror-status.ts';
import {
  type CommittedBooks,
  type EpochLedger,
  participantId,
  type Recorder,
} from '../record/recorder-port.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import type { LedgerReport } from '../wire/json-messages.ts';
import type { Hello } from '../wire/messages.ts';
import { EpochBook, type OfferedExchanges, type OfferedSpot } from './epoch-book.ts';

export interface EpochBooksOptions {
  readonly legs: LegLedger;
  readonly recorder: Pick<Recorder, 'count' | 'ledger' | 'whenLedgersLost'>;
  /** Route → names of its candidates, as configured. */
  readonly candidates: ReadonlyMap<string, readonly string[]>;
  /** Wall clock, Unix ms. */
  readonly nowMs: () => number;
}

/** By `participantId`: who gets copies. */
export function participantsOf(candidates: EpochBooksOptions['candidates']): string[] {
  return Array.from(candidates).flatMap(([route, names]) =>
    names.map((candidate) => participantId(candidate, route)),
  );
}

export class EpochBooks {
  readonly #options: EpochBooksOptions;
  readonly #books = new Map<string, EpochBook>();
  readonly #configured: ReadonlySet<string>;
  #isRestored = false;

  constructor(options: EpochBooksOptions) {
    this.#options = options;
    this.#configured = new Set(participantsOf(options.candidates));
    options.recorder.whenLedgersLost((epochs) => this.#recordAgain(epochs));
  }

  /**
   * Takes up the journal's books, when the legs have been restored: once, before the first hello or, where the
   * journal could not be opened then, as soon as it is.
   */
  restore(committed: CommittedBooks): void {
    this.#isRestored = true;
    const early = Array.from(this.#books.values());
    const participants = Map.groupBy(committed.legs, ({ epoch }) => epoch);
    for (const ledger of committed.epochs) {
      this.#options.legs.fold(ledger.epoch, ledger.foldedBefore);
      const configured = ledger.configured ?? namesOf(participants.get(ledger.epoch) ?? []);
      this.#restoreEpoch({ ...ledger, configured });
    }
    for (const book of early) {
      if (book.state === 'live') continue; // its next report settles it
      this.#raise(book);
      this.#bookMissing(book);
      this.#record(book);
    }
  }

  /** @returns the epoch's book, or null where the hello contradicts what is known */
  hello(hello: Hello): EpochBook | null {
    const book = this.#books.get(hello.epoch) ?? this.#newBook(hello);
    if (book.take(hello, true, this.#options.nowMs()) === 'refused') return null;
    this.#books.set(hello.epoch, book);
    this.#options.legs.fold(book.epoch, book.foldedBefore);
    this.#bookMissing(book);
    book.configured = this.#configured;
    this.#record(book);
    return book;
  }

  /** @returns false where the report contradicts what is known; then nothing is changed */
  report(book: EpochBook, report: LedgerReport): boolean {
    const taken = book.take(report, false, this.#options.nowMs());
    if (taken === 'refused') return false;
    this.#options.legs.fold(book.epoch, book.foldedBefore);
    if (taken === 'missing') this.#bookMissing(book);
    if (this.#isRestored) book.configured = this.#configured;
    this.#record(book, report.cells);
    return true;
  }

  /**
   * The epoch's connection was read to its end. Without a farewell its ledger is a little old: offered exchanges
   * that arrived since are added to it, so that the sums hold for what is known.
   */
  end(book: EpochBook, clean: boolean): void {
    book.end(clean, this.#options.nowMs());
    this.#raise(book);
    this.#bookMissing(book);
    this.#record(book);
  }

  /** Cells summed up over hours and size classes. */
  status(): ReceivedEpoch[] {
    return Array.from(this.#books.values(), (book) => {
      return { ...book.toTotals(), received: book.received };
    });
  }

  #newBook({ epoch, instance }: Hello): EpochBook {
    return new EpochBook({
      epoch,
      instance,
      offered: 0,
      cells: [],
      foldedBefore: 0,
      configured: Array.from(this.#configured),
      receivedAtMs: this.#options.nowMs(),
      state: 'live',
      unreportedMs: null,
    });
  }

  #restoreEpoch(ledger: EpochLedger): void {
    const early = this.#books.get(ledger.epoch);
    if (early !== undefined) {
      // It has said hello meanwhile, and knows more than the journal, but for who was configured before.
      const before = [...(ledger.configured ?? []), ...(ledger.noted ?? [])];
      early.configured = new Set(before.filter((id) => this.#configured.has(id)));
      return;
    }
    const book = new EpochBook(ledger);
    this.#books.set(ledger.epoch, book);
    if (ledger.state === 'live') {
      book.end(false, this.#options.nowMs());
      this.#raise(book);
    }
    this.#bookMissing(book, ledger.state !== 'clean');
    book.configured = new Set([...book.configured, ...(ledger.noted ?? [])]);
    if (ledger.state === 'live') this.#record(book);
  }

  /** @param changed - cells that a report has brought; without them all are recorded */
  #record(book: EpochBook, changed?: readonly ExchangeCell[]): void {
    const ledger = book.toLedger(changed);
    // Between here and the next hello, exchanges may have gone to this mirror or to the one before.
    const configured = [...new Set([...book.configured, ...this.#configured])];
    this.#options.recorder.ledger({ ...ledger, configured, whole: changed === undefined });
  }

  /** Another journal gets the ledgers of gateways that live; what ended before went with the one before. */
  #recordAgain(epochs: readonly string[] | 'all'): void {
    for (const book of this.#books.values()) {
      const isMeant = epochs === 'all' ? book.state === 'live' : epochs.includes(book.epoch);
      if (isMeant) this.#record(book);
    }
  }

  /** @param withNewcomers - also for candidates that have had nothing to do with the epoch: not when it is over */
  #bookMissing(book: EpochBook, withNewcomers = true): void {
    if (!this.#isRestored) {
      book.doubt();
      return;
    }
    book.resolve();
    for (const [route, offered] of book.offered()) {
      for (const candidate of this.#candidatesOf(book, route)) {
        const { spots, total } = this.#options.legs.account(book.epoch, candidate, route);
        const isNewcomer = spots.size === 0 && !isConfigured(book, candidate, route);
        if (isNewcomer && !withNewcomers) continue;
        const missing = spread(offered, spots, offered.total - total);
        this.#book(book, { candidate, route }, missing);
      }
    }
  }

  /** Whose legs must add up: those configured now, and those that were until the last hello. */
  #candidatesOf(book: EpochBook, route: string): Iterable<string> {
    const { candidates } = this.#options;
    const names = new Set(candidates.get(route));
    const ending = participantId('', route);
    for (const id of book.configured) {
      if (id.endsWith(ending)) names.add(id.slice(0, -ending.length));
    }
    return names;
  }

  #raise(book: EpochBook): void {
    const offered = book.offered();
    for (const [route, names] of this.#options.candidates) {
      const known = offered.get(route) ?? { total: 0, spots: new Map<string, OfferedSpot>() };
      for (const candidate of names) {
        const account = this.#options.legs.account(book.epoch, candidate, route);
        for (const spot of surplus(known, account.spots, account.total - known.total)) {
          book.raise(route, spot);
          addTo(known, spot);
        }
      }
    }
  }

  #book(
    book: EpochBook,
    { candidate, route }: { candidate: string; route: string },
    spots: Iterable<OfferedSpot>,
  ): void {
    const { legs, recorder } = this.#options;
    const [state, reason]: [LegState, string] = isConfigured(book, candidate, route)
      ? ['lost_in_crash', '']
      : ['ineligible', 'not_configured'];
    for (const { hour, sizeClass, count } of spots) {
      const key = { epoch: book.epoch, candidate, route, hour, sizeClass };
      legs.book(key, state, reason, count);
      recorder.count(key, state, reason, count);
    }
  }
}

function isConfigured(book: EpochBook, candidate: string, route: string): boolean {
  return book.configured.has(participantId(candidate, route));
}

function namesOf(legs: readonly LegCell[]): string[] {
  return [...new Set(legs.map(({ candidate, route }) => participantId(candidate, route)))];
}

/** Charges `missing` legs to the spots where more was offered than is accounted for. */
function spread(
  offered: OfferedExchanges,
  accounted: ReadonlyMap<string, number>,
  missing: number,
): OfferedSpot[] {
  const charged: OfferedSpot[] = [];
  let left = missing;
  for (const [id, { hour, sizeClass, count }] of offered.spots) {
    if (left <= 0) break;
    const take = Math.min(left, count - (accounted.get(id) ?? 0));
    if (take <= 0) continue;
    charged.push({ hour, sizeClass, count: take });
    left -= take;
  }
  return charged;
}

/** The spots where `extra` more legs are accounted for than were reported as offered. */
function surplus(
  offered: OfferedExchanges,
  accounted: ReadonlyMap<string, number>,
  extra: number,
): OfferedSpot[] {
  const spots: OfferedSpot[] = [];
  let left = extra;
  for (const [id, legs] of accounted) {
    if (left <= 0) break;
    const take = Math.min(left, legs - (offered.spots.get(id)?.count ?? 0));
    if (take <= 0) continue;
    spots.push({ ...spotOf(id), count: take });
    left -= take;
  }
  return spots;
}

function spotOf(id: string): Pick<OfferedSpot, 'hour' | 'sizeClass'> {
  const [hour, sizeClass] = id.split('|');
  return { hour: Number(hour), sizeClass: toSizeClass(sizeClass) };
}

function toSizeClass(text: string | undefined): OfferedSpot['sizeClass'] {
  const known = ['le_1k', 'le_16k', 'le_256k', 'gt_256k'] as const;
  return known.find((sizeClass) => sizeClass === text) ?? '';
}

function addTo(offered: OfferedExchanges, spot: OfferedSpot): void {
  const id = legSpot(spot.hour, spot.sizeClass);
  const known = offered.spots.get(id);
  if (known === undefined) offered.spots.set(id, { ...spot });
  else known.count += spot.count;
  offered.total += spot.count;
}
