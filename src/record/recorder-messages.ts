/** What mirror and recorder thread say to each other. */
import type { DeadLetterAction } from './journal/dead-letters.ts';
import type { Confirmation, DroppedEntry } from './journal/journal-batch.ts';
import type { ChoreRequest, ChoreStatus } from './journal/journal-chores.ts';
import type { CommitAnswer, KeeperOptions, KeeperStatus } from './journal/journal-keeper.ts';
import type { PackedBatch } from './packed-entries.ts';
import type { CommittedBooks } from './recorder-port.ts';

export interface RecorderThreadData extends KeeperOptions {
  readonly session: string;
  /** Batches whose answer was lost with the last thread. */
  readonly unanswered: readonly number[];
}

export type ToRecorder =
  | { readonly type: 'batch'; readonly batch: PackedBatch }
  | { readonly type: 'confirm'; readonly confirmation: Confirmation }
  | {
      readonly type: 'dead-letters';
      readonly action: DeadLetterAction;
      /** `null`: all. */
      readonly seq: number | null;
    }
  | { readonly type: 'chore'; readonly request: ChoreRequest }
  /** Somebody met damage while reading. */
  | { readonly type: 'suspect' }
  /** The end is near: what is not known yet is to be answered as not written. */
  | { readonly type: 'settle' }
  | { readonly type: 'close' };

export type FromRecorder =
  | {
      /** The journal is open: at first, and again after trouble. */
      readonly type: 'opened';
      readonly generation: string;
      readonly books: CommittedBooks;
      /** Of the unanswered batches, those that were committed. */
      readonly answers: readonly (readonly [number: number, dropped: readonly DroppedEntry[]])[];
    }
  | {
      readonly type: 'done';
      readonly number: number;
      readonly outcome: CommitAnswer;
      readonly status: KeeperStatus;
    }
  /** Confirmations that are committed. */
  | { readonly type: 'confirmed'; readonly numbers: readonly number[] }
  /** What an operator has decided about dead letters is in the journal. */
  | { readonly type: 'settled-dead-letters' }
  /** Pairs up to this sequence have left that the publisher may hold. */
  | { readonly type: 'left'; readonly upTo: number }
  | { readonly type: 'chore'; readonly status: ChoreStatus | null }
  | { readonly type: 'status'; readonly status: KeeperStatus }
  | { readonly type: 'closed' };
