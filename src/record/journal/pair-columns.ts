/**
 * Pairs as a table: one row a pair, for analytical engines. The first prediction of each side has columns of its own;
 * `record` has the whole record, byte for byte, so that nothing is left out.
 */
import type { Observation, Pair } from '../../pair/pair.ts';

/** `micros`: a moment, as microseconds since 1970 UTC. */
export type ColumnKind = 'text' | 'double' | 'integer' | 'micros';

export interface PairColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** `undefined`: the pair has none. */
  readonly of: (pair: Pair, json: string) => string | number | bigint | undefined;
}

export const PAIR_COLUMNS: readonly PairColumn[] = [
  text('id', ({ id }) => id),
  text('epoch', ({ epoch }) => epoch),
  { name: 'seq', kind: 'integer', of: ({ seq }) => BigInt(seq) },
  { name: 'time', kind: 'micros', of: ({ time }) => toMicros(time) },
  text('instance', ({ instance }) => instance),
  text('experiment', ({ experiment }) => experiment),
  text('route', ({ route }) => route),
  text('candidate', ({ candidate }) => candidate.name),
  text('role', ({ candidate }) => candidate.role),
  text('key', ({ key }) => key),
  text('join_value', ({ join }) => join),
  text('captured', ({ captured }) => JSON.stringify(captured)),
  text('state', ({ state }) => state),
  text('failure', ({ candidate }) => candidate.failure),
  text('flags', ({ flags }) => flags.join(' ')),
  number('u', ({ selection }) => selection.u),
  number('probability', ({ selection }) => selection.probability),
  text('rule', ({ selection }) => selection.rule),
  text('method', ({ request }) => request.method),
  text('path', ({ request }) => request.path),
  number('request_bytes', ({ request }) => request.bytes),
  ...sideColumns('incumbent', ({ incumbent }) => incumbent),
  ...sideColumns('candidate', ({ candidate }) => candidate),
  number('queue_ms', ({ candidate }) => candidate.queue_ms),
  number('score_delta_max', ({ divergence }) => divergence.score_delta_max),
  number('label_flips', ({ divergence }) => divergence.label_flips),
  number('outside_tolerance', ({ divergence }) => divergence.outside_tolerance),
  text('record', (_pair, json) => json),
];

function sideColumns(name: string, of: (pair: Pair) => Observation): PairColumn[] {
  return [
    number(`${name}_status`, (pair) => of(pair).status),
    number(`${name}_first_byte_ms`, (pair) => of(pair).first_byte_ms),
    number(`${name}_latency_ms`, (pair) => of(pair).latency_ms),
    text(`${name}_model_version`, (pair) => of(pair).model_version),
    number(`${name}_predictions`, (pair) => of(pair).predictions.length),
    number(`${name}_score`, (pair) => of(pair).predictions[0]?.score),
    text(`${name}_label`, (pair) => labelOf(of(pair))),
    text(`${name}_error`, (pair) => of(pair).error),
  ];
}

function labelOf({ predictions }: Observation): string | undefined {
  const label = predictions[0]?.label;
  return label === undefined ? undefined : String(label);
}

function text(name: string, of: PairColumn['of']): PairColumn {
  return { name, kind: 'text', of };
}

function number(name: string, of: PairColumn['of']): PairColumn {
  return { name, kind: 'double', of };
}

/** ISO 8601 with up to six digits of a second, UTC. */
function toMicros(time: string): bigint | undefined {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return undefined;
  const [, digits = ''] = /\.(\d+)/.exec(time) ?? [];
  const belowMs = Number(digits.padEnd(6, '0').slice(3, 6));
  return BigInt(Math.floor(ms)) * 1_000n + BigInt(belowMs);
}
