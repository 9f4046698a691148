/**
 * What the mirror asks of the recorder, and what comes back. The recorder is a thread: it alone writes the
 * journal. One transaction holds pairs, the leg counts they make, and the gateway ledgers last received,
 * so that counts and pairs cannot part.
 */
import type { LegCell, LegKey, LegState, ObservedLegState } from '../pair/leg-states.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import type { DeadLetterAction } from './journal/dead-letters.ts';
import type { ChoreRequest, ChoreStatus } from './journal/journal-chores.ts';

/** A pair on its way to the journal. */
export interface PairEntry {
  readonly leg: LegKey;
  readonly state: ObservedLegState;
  readonly reason: string;
  /** Pair id: `epoch.seq/candidate`. */
  readonly id: string;
  /** Selection key = Kafka message key. */
  readonly key: string;
  readonly experiment: string;
  /** Unix ms of the exchange. */
  readonly timeMs: number;
  /** The record, as it will be published, byte for byte. */
  readonly json: string;
}

/** Ledger of one gateway epoch, as last received. */
export interface EpochLedger {
  readonly epoch: string;
  readonly instance: string;
  /** Offered so far: next sequence − 1. */
  readonly offered: number;
  readonly cells: readonly ExchangeCell[];
  /** Hours below it are folded; 0: none. */
  readonly foldedBefore: number;
  /**
   * By `participantId`: who was to get copies of what was offered, if it is not accounted for. `null` where an earlier
   * version has not noted it.
   */
  readonly configured: readonly string[] | null;
  /** By `participantId`: who, besides, may have got copies of what was offered after this ledger came. */
  readonly noted?: readonly string[];
  /** Unix ms at which the mirror received it. */
  readonly receivedAtMs: number;
  /** `live`; `clean` after a farewell; `unclean` when the connection ended without one. */
  readonly state: 'live' | 'clean' | 'unclean';
  /** `unclean`: time between the last report and the end, ms: what was counted in it is not known. Else `null`. */
  readonly unreportedMs: number | null;
}

/** What is new of an epoch's ledger; all but the cells is as it is now. */
export interface LedgerUpdate extends EpochLedger {
  /** Whether `cells` are all there are. Otherwise those that changed; of folded hours with a count of 0, or not. */
  readonly whole: boolean;
}

/** A candidate on a route of its. */
export function participantId(candidate: string, route: string): string {
  return `${candidate}|${route}`;
}

/** What the journal held when it was opened: the books of earlier mirrors. */
export interface CommittedBooks {
  readonly legs: readonly LegCell[];
  readonly epochs: readonly EpochLedger[];
}

export interface RecorderStatus {
  readonly state: 'recording' | 'failing' | 'locked' | 'down';
  /** Code of the last failure, '' when recording. */
  readonly error: string;
  readonly pendingBytes: number;
  readonly maxPendingBytes: number;
  readonly committedPairs: number;
  readonly journalBytes: number;
  readonly walBytes: number;
  readonly maxJournalBytes: number;
  readonly commits: number;
  /** Records whose id was there already with other bytes. */
  readonly idConflicts: number;
  /** Pairs that had to leave, by the journal's cap or by their age … */
  readonly evicted: number;
  /** … of those, the ones that Kafka had not acknowledged … */
  readonly evictedUnpublished: number;
  /** … and the ones that had not been analysed. */
  readonly evictedUnanalysed: number;
  /** Damaged journals set aside. */
  readonly quarantined: number;
  /** Times the recorder thread had to be started again. */
  readonly restarts: number;
  /** The last backup or erasure that was asked for. */
  readonly chore: ChoreStatus | null;
  readonly publisher: PublisherStatus | null;
}

export interface PublisherStatus {
  readonly state: 'connected' | 'connecting' | 'failing';
  /** Code of the last failure, '' when connected. */
  readonly error: string;
  /** What has failed and what to do, a sentence or two; '' when connected. */
  readonly message: string;
  /** Pairs acknowledged by all in-sync replicas since this process started. */
  readonly published: number;
  /** Pairs in the journal and not yet published. */
  readonly lag: number;
  readonly sendErrors: number;
  /** Pairs that became dead letters since this process started. */
  readonly deadLetters: number;
  /** Dead letters in the journal now. */
  readonly heldDeadLetters: number;
  /** What is not as configured about the topics, a sentence each: UND_KAFKA_TOPIC_DIFFERS. */
  readonly differences: readonly string[];
}

/** Called once for each entry, when it is on disk, or cannot be: then `journal_dropped` and its reason. */
export type OnRecorded = (entry: PairEntry, state: LegState, reason: string) => void;

export interface Recorder {
  /** Committed books, as they were when the journal was last opened; empty until then. */
  readonly committed: CommittedBooks;
  /**
   * Calls back once with what earlier mirrors have committed: at once where the journal is open, else when it is
   * opened for the first time. Until then nobody knows what they have counted.
   */
  whenOpened(listener: (books: CommittedBooks) => void): void;
  /** Hands over a pair; never blocks, never throws. Out of credit: `onRecorded(journal_dropped, recorder_stalled)`. */
  record(entry: PairEntry): void;
  /** Counts legs that ended without a pair; a count of 0 notes that the candidate takes part in the epoch. */
  count(leg: LegKey, state: LegState, reason: string, count: number): void;
  /** Takes what is new of an epoch's exchange ledger; the first update of an epoch is whole. */
  ledger(update: LedgerUpdate): void;
  /**
   * Calls back when updates did not reach the journal, with their epochs; or `'all'`, where it is another journal
   * now. Then the ledgers are to be handed over whole again.
   */
  whenLedgersLost(listener: (epochs: readonly string[] | 'all') => void): void;
  /** What an operator decides about a dead letter by its sequence, or with `null` about all; the journal shows it. */
  settleDeadLetters(action: DeadLetterAction, seq: number | null): void;
  /** Has a backup made or a key erased; the status tells what comes of it. */
  runChore(request: ChoreRequest): void;
  status(): RecorderStatus;
  /** Commits what is pending, stops the publisher after its batch in flight, closes the journal. */
  close(): Promise<void>;
}
