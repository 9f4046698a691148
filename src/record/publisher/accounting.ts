/**
 * Accounting records (schemas/accounting-1.schema.json): the books, cumulative, one record for each epoch,
 * candidate and route (`legs`) and for each epoch and route (`exchanges`), so that a consumer of the topic can
 * compute coverage. A later record of a key replaces the earlier one: the topic is compacted.
 */
import type { ExchangeCell } from '../../wire/exchange-ledger.ts';
import type { CommittedBooks } from '../recorder-port.ts';
import type { SinkRecord } from './pair-sink.ts';

export const ACCOUNTING_SCHEMA = 'understudy.accounting/1';

/** Counts of one state. */
export interface AccountedState {
  readonly state: string;
  readonly reason: string;
  readonly count: number;
}

interface AccountingBase {
  readonly schema: typeof ACCOUNTING_SCHEMA;
  readonly instance: string;
  readonly epoch: string;
  readonly route: string;
  /** When the books were read, ISO 8601 UTC. */
  readonly time: string;
  readonly states: readonly AccountedState[];
}

export interface LegsAccount extends AccountingBase {
  readonly kind: 'legs';
  readonly candidate: string;
}

export interface ExchangesAccount extends AccountingBase {
  readonly kind: 'exchanges';
  /** The gateway's, as in its pairs (`scoring-7c9f/gw0`). */
  readonly gateway: string;
  readonly epoch_state: 'live' | 'clean' | 'unclean';
  /** When the mirror last heard of this epoch, ISO 8601 UTC. */
  readonly reported: string;
}

export type Account = LegsAccount | ExchangesAccount;

/** An account as a record, and what tells whether it is new. */
export interface AccountRecord {
  readonly record: SinkRecord;
  /** The counts, as text: the same text is not published again. */
  readonly fingerprint: string;
}

/** Remembers what was published, so that only what changed goes again. */
export class Accounting {
  readonly #instance: string;
  readonly #published = new Map<string, string>();

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Accounts that differ from what was published. */
  changes(books: CommittedBooks, now: Date): AccountRecord[] {
    const time = now.toISOString();
    const accounts = [...this.#legs(books, time), ...this.#exchanges(books, time)];
    const records = accounts.map(toAccountRecord);
    return records.filter(({ record, fingerprint }) => {
      return this.#published.get(record.key) !== fingerprint;
    });
  }

  published(records: readonly AccountRecord[]): void {
    for (const { record, fingerprint } of records) this.#published.set(record.key, fingerprint);
  }

  #legs(books: CommittedBooks, time: string): LegsAccount[] {
    const groups = Map.groupBy(books.legs, (cell) =>
      JSON.stringify([cell.epoch, cell.candidate, cell.route]),
    );
    return Array.from(groups.values()).flatMap((cells) => {
      const [first] = cells;
      if (first === undefined) return [];
      const { epoch, candidate, route } = first;
      const states = sumStates(cells);
      const instance = this.#instance;
      const schema = ACCOUNTING_SCHEMA;
      return { schema, kind: 'legs' as const, instance, epoch, candidate, route, time, states };
    });
  }

  #exchanges(books: CommittedBooks, time: string): ExchangesAccount[] {
    return books.epochs.flatMap((ledger) => {
      const routes = Map.groupBy(ledger.cells, (cell: ExchangeCell) => cell.route);
      return Array.from(routes, ([route, cells]) => ({
        schema: ACCOUNTING_SCHEMA,
        kind: 'exchanges' as const,
        instance: this.#instance,
        gateway: ledger.instance,
        epoch: ledger.epoch,
        epoch_state: ledger.state,
        route,
        time,
        reported: new Date(ledger.receivedAtMs).toISOString(),
        states: sumStates(cells),
      }));
    });
  }
}

function toAccountRecord(account: Account): AccountRecord {
  const { kind, epoch, route, states } = account;
  const isLegs = account.kind === 'legs';
  const key = JSON.stringify(
    isLegs ? [kind, epoch, account.candidate, route] : [kind, epoch, route],
  );
  const fingerprint = JSON.stringify([isLegs ? '' : account.epoch_state, states]);
  const headers = [
    ['schema', ACCOUNTING_SCHEMA],
    ['kind', kind],
  ] as const;
  return { record: { key, value: JSON.stringify(account), headers }, fingerprint };
}

/** Over hours and size classes; in the order of state and reason. */
function sumStates(cells: readonly AccountedState[]): AccountedState[] {
  const groups = Map.groupBy(cells, ({ state, reason }) => `${state}|${reason}`);
  const ordered = Array.from(groups).sort(([a], [b]) => (a < b ? -1 : 1));
  return ordered.flatMap(([, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const count = group.reduce((sum, cell) => sum + cell.count, 0);
    return { state: first.state, reason: first.reason, count };
  });
}
