/** What mirror and publisher thread say to each other. */
import type { KafkaConfig } from '../../config/types.ts';
import type { LogFields } from '../../telemetry/log-lines.ts';
import type { Confirmation } from '../journal/journal-batch.ts';
import type { PublisherStatus } from '../recorder-port.ts';

export interface PublisherThreadData {
  readonly dataDir: string;
  readonly instance: string;
  readonly kafka: KafkaConfig;
  /** Of the journal; '' while it is not open. */
  readonly generation: string;
}

export type ToPublisher =
  /** The journal is open: sequences of another generation mean other pairs. */
  | { readonly type: 'journal'; readonly generation: string }
  /** Something was committed. */
  | { readonly type: 'wake' }
  /** Confirmations that are in the journal. */
  | { readonly type: 'confirmed'; readonly numbers: readonly number[] }
  /** Something is in the outbox again. */
  | { readonly type: 'rescan' }
  /** Pairs up to this sequence have been evicted or erased, perhaps not all. */
  | { readonly type: 'left'; readonly upTo: number }
  | { readonly type: 'stop' };

export type FromPublisher =
  | { readonly type: 'confirm'; readonly confirmation: Confirmation }
  | { readonly type: 'status'; readonly status: PublisherStatus }
  /** A page of the journal is damaged. */
  | { readonly type: 'suspect' }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: LogFields;
    }
  | { readonly type: 'stopped' };
