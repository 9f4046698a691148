/**
 * The books as counters for Prometheus, which takes every decrease for a restart from zero and would then
 * count all of it again. So nothing here goes backwards while its source lives on:
 *
 *   - a gateway epoch's counts are the highest ever heard of it, from itself or from the mirror: when it
 *     is killed, the mirror's copy of its ledger is up to 100 ms older than what was shown;
 *   - legs are the highest heard: counts of a killed mirror that were not on disk come back smaller;
 *   - both are shown only once the mirror has answered: without it the ended epochs are not known.
 *
 * A quarantined journal takes its legs along: then they start again, as they should.
 */
import { LIMITS } from '../config/defaults.ts';
import type { MirrorStatus } from '../record/mirror-status.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';

export interface Counted {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface CountedBooks {
  readonly seen: readonly Counted[];
  readonly exchanges: readonly Counted[];
  readonly legs: readonly Counted[];
}

interface Count {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
}
type Counts = Map<string, Count>;

export class BookMemory {
  readonly #epochs = new Map<string, Counts>();
  #legs: Counts = new Map();
  #quarantined = 0;
  #mirrorHeard = false;

  /** @param mirror - `null` while it does not answer: what was last heard of it stands */
  hear(gateways: readonly GatewayStatus[], mirror: MirrorStatus | null): void {
    if (mirror !== null) this.#hearMirror(mirror);
    for (const { epoch, cells } of gateways) this.#hearEpoch(epoch, cells);
    this.#forget(new Set([...gateways, ...(mirror?.epochs ?? [])].map(({ epoch }) => epoch)));
  }

  /** `null` until the mirror has answered once. */
  counted(): CountedBooks | null {
    if (!this.#mirrorHeard) return null;
    const all: Counts = new Map();
    for (const counts of this.#epochs.values()) {
      for (const [key, { labels, value }] of counts) add(all, key, labels, value);
    }
    const exchanges = [...all.values()];
    return {
      seen: exchanges
        .filter(({ labels }) => labels.state === 'seen')
        .map(({ labels, value }) => ({ labels: { route: labels.route ?? '' }, value })),
      exchanges: exchanges.filter(({ labels }) => labels.state !== 'seen'),
      legs: [...this.#legs.values()],
    };
  }

  #hearMirror(mirror: MirrorStatus): void {
    this.#mirrorHeard = true;
    for (const { epoch, cells } of mirror.epochs) this.#hearEpoch(epoch, cells);
    const legs: Counts = new Map();
    for (const { candidate, route, state, reason, count } of mirror.legs) {
      const labels = { candidate, route, state, reason };
      add(legs, JSON.stringify(labels), labels, count);
    }
    const { quarantined, state } = mirror.recorder;
    // A mirror that cannot open its journal does not know what earlier ones counted: that comes back.
    const isAnew = state === 'recording' && totalOf(legs) < totalOf(this.#legs) / 2;
    if (quarantined > this.#quarantined || isAnew) {
      this.#legs = legs;
    } else {
      raise(this.#legs, legs);
    }
    this.#quarantined = quarantined;
  }

  #hearEpoch(epoch: string, cells: readonly ExchangeCell[]): void {
    const heard: Counts = new Map();
    for (const { route, state, reason, count } of cells) {
      const labels = { route, state, reason };
      add(heard, JSON.stringify(labels), labels, count);
    }
    const known = this.#epochs.get(epoch);
    if (known === undefined) this.#epochs.set(epoch, heard);
    else raise(known, heard);
  }

  /** Epochs that nobody reports any more are kept, the oldest of too many are not. */
  #forget(reported: ReadonlySet<string>): void {
    let surplus = this.#epochs.size - reported.size - LIMITS.epochsRemembered;
    for (const epoch of this.#epochs.keys()) {
      if (surplus <= 0) return;
      if (reported.has(epoch)) continue;
      this.#epochs.delete(epoch);
      surplus -= 1;
    }
  }
}

function add(counts: Counts, key: string, labels: Count['labels'], value: number): void {
  const count = counts.get(key);
  if (count === undefined) counts.set(key, { labels, value });
  else count.value += value;
}

function raise(known: Counts, heard: Counts): void {
  for (const [key, { labels, value }] of heard) {
    const count = known.get(key);
    if (count === undefined) known.set(key, { labels, value });
    else if (value > count.value) count.value = value;
  }
}

function totalOf(counts: Counts): number {
  let total = 0;
  for (const { value } of counts.values()) total += value;
  return total;
}
