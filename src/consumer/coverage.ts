/**
 * Coverage from the accounting topic, without asking Understudy: counts are cumulative in an epoch, so the latest
 * record of each key stands for all before it, and sums over epochs and instances add up.
 */
import { isUtf8 } from 'node:buffer';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { LIMITS } from '../config/defaults.ts';
import { LEG_COVERAGE } from '../pair/leg-states.ts';
import type { Account } from '../record/publisher/accounting.ts';
import { compileTolerant } from './tolerant-schema.ts';

/** Of one candidate, all epochs and instances, on the routes it gets copies of. */
export interface CandidateCoverage {
  readonly candidate: string;
  readonly observed: number;
  /** Legs that were lost, and exchanges that were lost before they became legs. */
  readonly lost: number;
  /** observed / (observed + lost); `null` while there is neither. */
  readonly coverage: number | null;
}

export class CoverageReader {
  readonly #isAccount: ValidateFunction<Account> = compileTolerant<Account>(
    'accounting-1.schema.json',
  );
  readonly #latest = new Map<string, Account>();
  #skipped = 0;

  /** Records that are no accounts, or more than are kept (LIMITS.consumerAccounts). */
  get skipped(): number {
    return this.#skipped;
  }

  /** Never throws. @returns whether it was an account, and is now part of the sums */
  read(value: Uint8Array | null | undefined): boolean {
    const account = this.#parse(value);
    const key = account === null ? '' : keyOf(account);
    const before = this.#latest.get(key);
    const isFull = before === undefined && this.#latest.size >= LIMITS.consumerAccounts;
    if (account === null || isFull) {
      this.#skipped += 1;
      return false;
    }
    // A repeated or delayed record: counts of an epoch only grow.
    if (before === undefined || before.time <= account.time) this.#latest.set(key, account);
    return true;
  }

  /** One for each candidate, in the order of their names. */
  coverage(): CandidateCoverage[] {
    const shed = new Map<string, number>();
    const legs: Extract<Account, { kind: 'legs' }>[] = [];
    for (const account of this.#latest.values()) {
      if (account.kind === 'legs') legs.push(account);
      else
        shed.set(
          placeOf(account),
          countOf(account, (state) => state === 'shed'),
        );
    }
    const byCandidate = Map.groupBy(legs, ({ candidate }) => candidate);
    return Array.from(byCandidate, ([candidate, own]) => {
      let observed = 0;
      let lost = 0;
      for (const account of own) {
        observed += countOf(account, (state) => coverageOf(state) === 'observed');
        lost += countOf(account, (state) => coverageOf(state) === 'lost');
        lost += shed.get(placeOf(account)) ?? 0;
      }
      const sum = observed + lost;
      return { candidate, observed, lost, coverage: sum === 0 ? null : observed / sum };
    }).sort((a, b) => (a.candidate < b.candidate ? -1 : 1));
  }

  #parse(value: Uint8Array | null | undefined): Account | null {
    if (value === null || value === undefined) return null;
    if (value.length > LIMITS.consumerRecordBytes || !isUtf8(value)) return null;
    try {
      const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString();
      const record: unknown = JSON.parse(text);
      return this.#isAccount(record) ? record : null;
    } catch {
      return null;
    }
  }
}

function keyOf(account: Account): string {
  const candidate = account.kind === 'legs' ? account.candidate : '';
  return JSON.stringify([account.kind, account.instance, placeOf(account), candidate]);
}

function placeOf({ epoch, route }: Account): string {
  return JSON.stringify([epoch, route]);
}

function countOf({ states }: Account, matches: (state: string) => boolean): number {
  return states.reduce((sum, { state, count }) => (matches(state) ? sum + count : sum), 0);
}

/** A state that a later version has added is outside, until this library knows it. */
function coverageOf(state: string): string {
  return Object.hasOwn(LEG_COVERAGE, state) ? String(Reflect.get(LEG_COVERAGE, state)) : 'outside';
}
