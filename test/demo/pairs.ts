import type { Pair } from '../../src/pair/pair.ts';

export interface Sides {
  readonly loan: string;
  readonly incumbent: readonly [score: number, label: string];
  readonly candidate: readonly [score: number, label: string];
  /** Milliseconds: incumbent, candidate, queue. */
  readonly times?: readonly [number, number, number];
  readonly flags?: Pair['flags'];
  readonly state?: Pair['state'];
}

/** A pair with what the demo's summary reads; the rest is plausible and fixed. */
export function pairOf(sides: Sides): Pair {
  const [incumbentMs, candidateMs, queueMs] = sides.times ?? [2, 1, 0.5];
  const side = ([score, label]: readonly [number, string], ms: number) => ({
    status: 200,
    first_byte_ms: ms,
    latency_ms: ms,
    model_version: 'm-1',
    predictions: [{ score, label }],
  });
  return {
    schema: 'understudy.pair/1',
    id: 'c5k0t9q2m8w4x7z1r3f6.1/boosting',
    instance: 'test/gw0',
    epoch: 'c5k0t9q2m8w4x7z1r3f6',
    seq: 1,
    time: '2026-11-23T12:00:00.123456Z',
    experiment: 'test',
    route: 'score',
    key: 'c5k0t9q2m8w4x7z1r3f6.1',
    join: sides.loan,
    captured: { '/term': 'term_36' },
    selection: { u: 0.1187, probability: 1, rule: 'default', settings_version: 0 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 412 },
    flags: sides.flags ?? [],
    incumbent: side(sides.incumbent, incumbentMs),
    candidate: {
      name: 'boosting',
      role: 'candidate',
      queue_ms: queueMs,
      ...side(sides.candidate, candidateMs),
    },
    divergence: {
      score_delta_max: sides.candidate[0] - sides.incumbent[0],
      label_flips: sides.candidate[1] === sides.incumbent[1] ? 0 : 1,
      outside_tolerance: 1,
      fields: [],
    },
    state: sides.state ?? 'paired',
  };
}
