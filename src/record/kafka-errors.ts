/**
 * What an error of the Kafka client means. The client wraps: an error of a send is a list of tries, each a list
 * of destinations, each with a cause. The real error stands at the leaves.
 */
import { LIMITS } from '../config/defaults.ts';
import { type ErrorCode, UnderstudyError } from '../errors.ts';

const DEPTH_MAX = 8;
const NODES_MAX = 64;

/** By name of the Kafka protocol (kafka.apache.org/protocol#protocol_error_codes) or of the client. */
const CODES: readonly (readonly [ErrorCode, ReadonlySet<string>])[] = [
  [
    'UND_KAFKA_RECORD_REFUSED',
    new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']),
  ],
  [
    'UND_KAFKA_AUTH',
    new Set([
      'PLT_KFK_AUTHENTICATION',
      'SASL_AUTHENTICATION_FAILED',
      'ILLEGAL_SASL_STATE',
      'UNSUPPORTED_SASL_MECHANISM',
      'TOPIC_AUTHORIZATION_FAILED',
      'CLUSTER_AUTHORIZATION_FAILED',
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    ]),
  ],
  ['UND_KAFKA_TOPIC_MISSING', new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'])],
  ['UND_KAFKA_TIMEOUT', new Set(['PLT_KFK_TIMEOUT', 'REQUEST_TIMED_OUT'])],
  ['UND_KAFKA_UNREACHABLE', new Set(['PLT_KFK_NETWORK', 'BROKER_NOT_AVAILABLE'])],
];

/** The most telling code, with the text of the innermost error. Never carries a payload. */
export function toKafkaError(error: unknown): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const names = new Set<string>();
  let text = '';
  for (const node of chainOf(error)) {
    for (const property of ['apiId', 'code']) {
      const name = Reflect.get(node, property);
      if (typeof name === 'string') names.add(name);
    }
    if (node.message.startsWith('Unknown topic')) names.add('UNKNOWN_TOPIC_OR_PARTITION');
    if (node.message !== '') text = node.message;
  }
  const found = CODES.find(([, known]) => Array.from(names).some((name) => known.has(name)));
  const message = text.slice(0, LIMITS.errorCharacters);
  return new UnderstudyError(found?.[0] ?? 'UND_KAFKA_FAILED', message, { cause: error });
}

/** Whether the protocol's error `name` is somewhere in it. */
export function isKafkaError(error: unknown, name: string): boolean {
  return chainOf(error).some((node) => Reflect.get(node, 'apiId') === name);
}

/** The error, its errors and causes, outer ones first; bounded. */
function chainOf(error: unknown): Error[] {
  const nodes: Error[] = [];
  let level: unknown[] = [error];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth += 1) {
    const next: unknown[] = [];
    for (const node of level) {
      if (!(node instanceof Error) || nodes.length >= NODES_MAX) continue;
      nodes.push(node);
      if (node.cause !== undefined) next.push(node.cause);
      if (node instanceof AggregateError) next.push(...node.errors);
    }
    level = next;
  }
  return nodes;
}
