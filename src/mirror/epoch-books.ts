/**
 * The books of all gateway epochs, held against the ledger of legs: what was offered and is not accounted for
 * is booked as lost, when it is certain that it will not arrive.
 *
 *   when                                          what is certain
 *   start, for each epoch of the journal          its old connection went with the old mirror
 *   hello                                         what was offered before this connection
 *   ledger, farewell, behind a gap in sequences   what was offered before this report
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
import type { LegKey, LegState } from '../pair/leg-states.ts';
import type { ReceivedEpoch } from '../record/mirror-status.ts';
import type { CommittedBooks, Recorder } from '../record/recorder-port.ts';
import type { Hello } from '../wire/messages.ts';
import { EpochBook, type OfferedExchanges, type OfferedSpot, type Report } from './epoch-book.ts';

export interface EpochBooksOptions {
  readonly legs: LegLedger;
  readonly recorder: Pick<Recorder, 'count' | 'ledger'>;
  /** Route → names of its candidates, as configured. */
  readonly candidates: ReadonlyMap<string, readonly string[]>;
  /** Wall clock, Unix ms. */
  readonly nowMs: () => number;
}

export class EpochBooks {
  readonly #options: EpochBooksOptions;
  readonly #books = new Map<string, EpochBook>();
  #isRestored = false;

  constructor(options: EpochBooksOptions) {
    this.#options = options;
  }

  /**
   * Takes up the journal's books, when the legs have been restored: once, before the first hello or, where the
   * journal could not be opened then, as soon as it is.
   */
  restore(committed: CommittedBooks): void {
    this.#isRestored = true;
    const early = Array.from(this.#books.values());
    const participants = new Set(committed.legs.map(participantId));
    for (const ledger of committed.epochs) {
      const book = new EpochBook(ledger);
      this.#noteNewcomers(book, participants);
      // One that has said hello meanwhile knows more than the journal.
      if (this.#books.has(ledger.epoch)) continue;
      this.#books.set(ledger.epoch, book);
      if (ledger.state === 'live') this.end(book, false);
      else this.#bookMissing(book);
    }
    for (const book of early) {
      if (book.state === 'live') continue; // its next report settles it
      this.#raise(book);
      this.#bookMissing(book);
      this.#options.recorder.ledger(book.toLedger());
    }
  }

  /** @returns the epoch's book, or null where the hello contradicts what is known */
  hello(hello: Hello): EpochBook | null {
    let book = this.#books.get(hello.epoch);
    if (book === undefined) {
      const { epoch, instance } = hello;
      const receivedAtMs = this.#options.nowMs();
      book = new EpochBook({
        epoch,
        instance,
        offered: 0,
        cells: [],
        receivedAtMs,
        state: 'live',
      });
      this.#noteParticipants(book);
    }
    if (book.take(hello, true, this.#options.nowMs()) === 'refused') return null;
    this.#books.set(hello.epoch, book);
    this.#bookMissing(book);
    this.#options.recorder.ledger(book.toLedger());
    return book;
  }

  /** @returns false where the report contradicts what is known; then nothing is changed */
  report(book: EpochBook, report: Report): boolean {
    const taken = book.take(report, false, this.#options.nowMs());
    if (taken === 'refused') return false;
    if (taken === 'missing') this.#bookMissing(book);
    this.#options.recorder.ledger(book.toLedger());
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
    this.#options.recorder.ledger(book.toLedger());
  }

  /** Cells summed up over hours and size classes. */
  status(): ReceivedEpoch[] {
    return Array.from(this.#books.values(), (book) => ({
      ...book.toTotals(),
      received: book.received,
      ...(book.state === 'unclean' ? { unreportedMs: book.unreportedMs } : {}),
    }));
  }

  /** A count of 0 in the journal: a candidate that has no leg yet takes part all the same. */
  #noteParticipants(book: EpochBook): void {
    const { candidates, nowMs } = this.#options;
    const spot = { hour: Math.floor(nowMs() / 3_600_000), sizeClass: '' } as const;
    for (const [route, names] of candidates) {
      for (const candidate of names) {
        this.#book(book, { candidate, route }, { state: 'lost_in_crash', reason: '' }, [
          { ...spot, count: 0 },
        ]);
      }
    }
  }

  /** A candidate that was not configured when an epoch's exchanges were offered has lost none of them. */
  #noteNewcomers(book: EpochBook, participants: ReadonlySet<string>): void {
    const { candidates } = this.#options;
    const { epoch } = book;
    const outcome = { state: 'ineligible', reason: 'not_configured' } as const;
    for (const [route, offered] of book.offered()) {
      for (const candidate of candidates.get(route) ?? []) {
        if (participants.has(participantId({ epoch, candidate, route }))) continue;
        this.#book(book, { candidate, route }, outcome, offered.spots.values());
      }
    }
  }

  #bookMissing(book: EpochBook): void {
    if (!this.#isRestored) {
      book.doubt();
      return;
    }
    book.resolve();
    const { candidates, legs } = this.#options;
    for (const [route, offered] of book.offered()) {
      for (const candidate of candidates.get(route) ?? []) {
        const account = legs.account(book.epoch, candidate, route);
        const missing = spread(offered, account.spots, offered.total - account.total);
        this.#book(book, { candidate, route }, { state: 'lost_in_crash', reason: '' }, missing);
      }
    }
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
    leg: { candidate: string; route: string },
    outcome: { state: LegState; reason: string },
    spots: Iterable<OfferedSpot>,
  ): void {
    const { legs, recorder } = this.#options;
    for (const { hour, sizeClass, count } of spots) {
      const key = { epoch: book.epoch, ...leg, hour, sizeClass };
      legs.book(key, outcome.state, outcome.reason, count);
      recorder.count(key, outcome.state, outcome.reason, count);
    }
  }
}

function participantId({ epoch, candidate, route }: Omit<LegKey, 'hour' | 'sizeClass'>): string {
  return JSON.stringify([epoch, candidate, route]);
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
