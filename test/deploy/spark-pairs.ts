/** Pairs with all that a state can count, and corners of numbers and texts, for engines that must agree. */
import type { ExperimentPlan } from '../../src/analysis/plan.ts';
import { GUARDRAIL_KINDS } from '../../src/analysis/plan.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { guardrail, pairOf, planOf } from '../analysis/pairs.ts';

export const EPOCH = 'c5k0t9q2m8w4x7z1r3f6'.replace(/[w-z]/g, 'v');

export const PLAN: ExperimentPlan = planOf({
  guardrails: GUARDRAIL_KINDS.map((kind) => guardrail(kind)),
  segments: [
    { name: 'gold', pointer: '/tier', value: 'gold' },
    { name: 'seven', pointer: '/amount', value: '7' },
  ],
  discover: ['/tier', '/user', '/amount', '/ratio'],
  scoreRange: [-1, 3],
});

const TEXTS = ['gold', 'base', 'naïve ☃', '𝒳', '', '￿', 'q"\\\n', 'x'.repeat(90), '<b>'];
const NUMBERS = [0, 7, 1e21, 1e-7, 0.1, 123456.789, 5e-324, -2.5e-9, 1e20, 12345678901234567000];
const LABELS = ['good', 'bad', 3, 1.5, true, false, '𝒳', '￿'] as const;

/** One pair of its sequence, always the same. */
export function richPair(seq: number): Pair {
  const pick = <T>(from: readonly T[], salt: number): T =>
    from[(seq * 31 + salt * 7 + (seq >> 4)) % from.length] as T;
  const score = ((seq * 7919) % 10_007) / 10_007;
  const candidate = score + Math.sin(seq) * (seq % 17 === 0 ? 1.9 : 1e-4) * (seq % 5 === 0 ? 0 : 1);
  const base = pairOf({
    seq,
    atMs: seq * 37 - 500,
    incumbentMs: (seq % 997) / 31,
    candidateMs: seq % 211 === 0 ? 700_000 : (seq % 499) / 7,
    incumbent: seq % 301 === 0 ? null : { score, label: pick(LABELS, 1) },
    candidate: seq % 203 === 0 ? null : { score: candidate, label: pick(LABELS, seq % 9 ? 1 : 2) },
    captured: {
      '/tier': pick(TEXTS, 3),
      '/user': `u${seq}`,
      '/amount': pick(NUMBERS, 4),
      ...(seq % 3 === 0 ? {} : { '/ratio': seq % 7 === 0 ? null : seq % 2 === 0 }),
    },
    flags: seq % 101 === 0 ? ['mirror_busy'] : seq < 60 ? ['warm_up'] : [],
  });
  const id = `${EPOCH}.${seq}/next`;
  const time = base.time.replace('Z', `${String(seq % 1_000).padStart(3, '0')}Z`);
  return { ...base, ...variation(base, seq), id, epoch: EPOCH, time };
}

function variation(base: Pair, seq: number): Partial<Pair> {
  const { incumbent, candidate } = base;
  if (seq % 89 === 0 && candidate.predictions.length > 0) {
    return { candidate: { ...candidate, predictions: [], error: 'score_not_a_number' } };
  }
  if (seq % 97 === 0) {
    const { model_version: _, ...rest } = candidate;
    return { candidate: rest };
  }
  if (seq % 71 === 0) {
    const { latency_ms: _, status: __, ...rest } = candidate;
    return { candidate: { ...rest, predictions: [] }, state: 'candidate_timeout' };
  }
  if (seq % 61 === 0) {
    const batch = [...incumbent.predictions, { score: 0.25, label: 'good' }, { score: 1 / 3 }];
    const theirs = [...candidate.predictions, { score: 0.5, label: 'bad' }, { score: 2 / 3 }];
    const divergence = { ...base.divergence, label_flips: 1, outside_tolerance: 2 };
    return {
      incumbent: { ...incumbent, predictions: batch },
      candidate: { ...candidate, predictions: theirs },
      divergence,
    };
  }
  if (seq % 59 === 0) {
    return { divergence: { ...base.divergence, fields: [`/field_${seq % 40}`] } };
  }
  return seq % 499 === 0 ? { selection: { ...base.selection, u: 1, probability: 0.5 } } : {};
}
