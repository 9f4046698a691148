/** What mirror and recorder thread say to each other. */
import type { DeadLetterAction } from './dead-letters.ts';
import type { Confirmation, DroppedEntry, JournalBatch } from './journal-batch.ts';
import type { CommitAnswer, KeeperOptions, KeeperStatus } from './journal-keeper.ts';
import type { CommittedBooks } from './recorder-port.ts';

export interface RecorderThreadData extends KeeperOptions {
  readonly session: string;
  /** Batches whose answer was lost with the last thread. */
  readonly unanswered: readonly number[];
}

export type ToRecorder =
  | { readonly type: 'batch'; readonly batch: JournalBatch }
  | { readonly type: 'confirm'; readonly confirmation: Confirmation }
  | {
      readonly type: 'dead-letters';
      readonly action: DeadLetterAction;
      /** `null`: all. */
      readonly seq: number | null;
    }
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
  | { readonly type: 'status'; readonly status: KeeperStatus }
  | { readonly type: 'closed' };
