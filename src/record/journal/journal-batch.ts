/** What goes into one transaction of the journal, and what comes out of it. */
import type { ErrorCode } from '../../errors.ts';
import type { LEG_REASONS, LegCell } from '../../pair/leg-states.ts';
import type { LedgerUpdate, PairEntry } from '../recorder-port.ts';

export type DropReason = (typeof LEG_REASONS)['journal_dropped'][number];

/** An entry of a batch that was not recorded: its place in `entries`, and why. */
export type DroppedEntry = readonly [index: number, reason: DropReason];

export interface JournalBatch {
  /** Drawn by the mirror at its start; with `number` it names a batch. */
  readonly session: string;
  /** 1, 2, 3 …; 0 for a batch that nobody will ask about. */
  readonly number: number;
  readonly entries: readonly PairEntry[];
  /** Legs that ended without a pair. */
  readonly counts: readonly LegCell[];
  readonly ledgers: readonly LedgerUpdate[];
}

/** What the publisher has brought home. Ignored where the generation is not the journal's. */
export interface Confirmation {
  readonly generation: string;
  /** Counts up in a publisher's life; answered when it is committed. */
  readonly number: number;
  readonly published: readonly number[];
  readonly dead: readonly DeadLetter[];
}

/** A pair that Kafka refuses for good. */
export interface DeadLetter {
  readonly seq: number;
  readonly id: string;
  readonly code: ErrorCode;
}
