/** Pairs as a mirror makes them: about 1,100 bytes of JSON, the same words, other numbers. */
import type { RoomOptions } from '../../src/record/journal/journal-room.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';

export const EXPERIMENT = 'lending-club-demo';
export const CANDIDATE = 'boosting';
const ROUTE = 'score';

/** Of a journal that has room for all of it, and publishes. */
export const JOURNAL_OPTIONS: RoomOptions = {
  maxBytes: 2 ** 34,
  whenFull: 'drop_newest',
  retentionMs: 86_400_000,
  maxAgeMs: 0,
  outbox: true,
};

/** The key of a pair, and with it its id. */
export function keyOf(epoch: string, seq: number): string {
  return `${epoch}.${seq}`;
}

/** @param timeMs - Unix ms of the exchange */
export function pairJson(epoch: string, seq: number, timeMs: number): string {
  const key = keyOf(epoch, seq);
  const side = () => ({
    status: 200,
    first_byte_ms: Math.random() * 10,
    latency_ms: Math.random() * 10,
    model_version: 'lending-club-lr-1',
    predictions: [{ score: Math.random(), label: Math.random() < 0.5 ? 'good' : 'bad' }],
  });
  return JSON.stringify({
    schema: 'understudy.pair/1',
    id: `${key}/${CANDIDATE}`,
    instance: 'vm/gw0',
    epoch,
    seq,
    time: new Date(timeMs).toISOString(),
    experiment: EXPERIMENT,
    route: ROUTE,
    key,
    captured: { '/funded_amnt': seq % 40_000, '/term': 'term_60', '/sub_grade': 'D1' },
    selection: { u: Math.random(), probability: 1, rule: 'default', settings_version: 0 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 440 },
    flags: [],
    incumbent: side(),
    candidate: { name: CANDIDATE, role: 'candidate', queue_ms: Math.random(), ...side() },
    divergence: {
      score_delta_max: Math.random(),
      label_flips: 0,
      outside_tolerance: 1,
      fields: [],
    },
    state: 'paired',
  });
}

/** A pair on its way to the journal. */
export function pairEntry(epoch: string, seq: number): PairEntry {
  const timeMs = Date.now();
  const key = keyOf(epoch, seq);
  const hour = Math.floor(timeMs / 3_600_000);
  return {
    leg: { epoch, candidate: CANDIDATE, route: ROUTE, hour, sizeClass: 'le_1k' },
    state: 'paired',
    reason: '',
    id: `${key}/${CANDIDATE}`,
    key,
    experiment: EXPERIMENT,
    timeMs,
    json: pairJson(epoch, seq, timeMs),
  };
}
