/**
 * The journal's books as the accounting topic tells them: the latest record of each key. Without hours and size classes:
 * coverage is gated in all, by route and by named segment then.
 */
import { LEG_STATES, OLDER_LEGS_HOUR } from '../pair/leg-states.ts';
import type { Account } from '../record/publisher/accounting.ts';
import type { CommittedBooks, EpochLedger } from '../record/recorder-port.ts';

type Legs = Extract<Account, { kind: 'legs' }>;
type Exchanges = Extract<Account, { kind: 'exchanges' }>;

export class AccountBooks {
  readonly #legs = new Map<string, Legs>();
  readonly #exchanges = new Map<string, Exchanges>();

  /** Counts of an epoch only grow: a repeated or delayed record changes nothing. */
  add(account: Account): void {
    const { instance, epoch, route } = account;
    if (account.kind === 'legs') {
      putLatest(this.#legs, JSON.stringify([instance, epoch, route, account.candidate]), account);
    } else putLatest(this.#exchanges, JSON.stringify([instance, epoch, route]), account);
  }

  books(): CommittedBooks {
    const legs = [...this.#legs.values()].flatMap(({ epoch, candidate, route, states }) =>
      states.flatMap(({ state, reason, count }) => {
        const known = LEG_STATES.find((each) => each === state);
        if (known === undefined) return [];
        const of = { epoch, candidate, route, hour: OLDER_LEGS_HOUR, sizeClass: '' };
        return [{ ...of, state: known, reason, count }];
      }),
    );
    const byEpoch = Map.groupBy(this.#exchanges.values(), ({ epoch }) => epoch);
    return { legs, epochs: Array.from(byEpoch.values(), toLedger) };
  }
}

function putLatest<T extends Account>(latest: Map<string, T>, key: string, account: T): void {
  const before = latest.get(key);
  if (before === undefined || before.time <= account.time) latest.set(key, account);
}

function toLedger(accounts: readonly Exchanges[]): EpochLedger {
  const newest = accounts.reduce((a, b) => (a.time < b.time ? b : a));
  const cells = accounts.flatMap(({ route, states }) =>
    states
      .filter(({ state }) => state === 'shed')
      .map(({ reason, count }) => {
        const of = { route, hour: OLDER_LEGS_HOUR, sizeClass: '' } as const;
        return { ...of, state: 'shed' as const, reason, count };
      }),
  );
  return {
    epoch: newest.epoch,
    instance: newest.gateway,
    offered: 0,
    cells,
    foldedBefore: 0,
    configured: null,
    receivedAtMs: Date.parse(newest.reported),
    state: newest.epoch_state,
    unreportedMs: null,
  };
}
