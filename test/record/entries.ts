/** Made-up entries for tests of the record room. */
import type { LegKey } from '../../src/pair/leg-states.ts';
import type { LedgerUpdate, PairEntry } from '../../src/record/recorder-port.ts';
import type { Log } from '../../src/telemetry/log-lines.ts';

export const EPOCH = 'c5k0t9q2m8w4x7z1r3f6';

export function legOf(epoch = EPOCH, candidate = 'new'): LegKey {
  return { epoch, candidate, route: 'score', hour: 490_000, sizeClass: 'le_1k' };
}

export function entryOf(seq: number, changes: Partial<PairEntry> = {}): PairEntry {
  const leg = changes.leg ?? legOf();
  const id = `${leg.epoch}.${seq}/${leg.candidate}`;
  return {
    leg,
    state: 'paired',
    reason: '',
    id,
    key: `${leg.epoch}.${seq}`,
    experiment: 'default',
    timeMs: Date.now(),
    json: JSON.stringify({ schema: 'understudy.pair/1', id, text: 'naïve — ünïcode "quoted"' }),
    ...changes,
  };
}

export function ledgerOf(offered: number, changes: Partial<LedgerUpdate> = {}): LedgerUpdate {
  const cell = { route: 'score', hour: 490_000, reason: '' };
  return {
    epoch: EPOCH,
    instance: 'test/gw0',
    offered,
    receivedAtMs: Date.now(),
    state: 'live',
    foldedBefore: 0,
    configured: ['new|score'],
    unreportedMs: null,
    whole: true,
    cells: [
      { ...cell, sizeClass: '', state: 'seen', count: offered },
      { ...cell, sizeClass: 'le_1k', state: 'offered', count: offered },
    ],
    ...changes,
  };
}

/** Keeps the lines instead of writing them. */
export class ListLog implements Log {
  readonly lines: string[] = [];
  debug(message: string): void {
    this.lines.push(`debug ${message}`);
  }
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string, fields?: object): void {
    this.lines.push(`warn ${message} ${JSON.stringify(fields)}`);
  }
  error(message: string, fields?: object): void {
    this.lines.push(`error ${message} ${JSON.stringify(fields)}`);
  }
}
