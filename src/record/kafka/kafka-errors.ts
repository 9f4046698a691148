/**
 * What an error of the Kafka client means. The client wraps: an error of a send is a list of tries, each a list
 * of destinations, each with a cause. The real error stands at the leaves.
 */
import { LIMITS } from '../../config/defaults.ts';
import type { KafkaConfig } from '../../config/types.ts';
import { type ErrorCode, UnderstudyError } from '../../errors.ts';

const DEPTH_MAX = 8;
const NODES_MAX = 64;

/** By name of the Kafka protocol (kafka.apache.org/protocol#protocol_error_codes) or of the client. */
const CODES: readonly (readonly [ErrorCode, ReadonlySet<string>])[] = [
  ['UND_KAFKA_RECORD_TOO_LARGE', new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])],
  ['UND_KAFKA_RECORD_REFUSED', new Set(['INVALID_RECORD', 'INVALID_TIMESTAMP'])],
  [
    'UND_KAFKA_AUTH',
    new Set([
      'PLT_KFK_AUTHENTICATION',
      'SASL_AUTHENTICATION_FAILED',
      'ILLEGAL_SASL_STATE',
      'UNSUPPORTED_SASL_MECHANISM',
    ]),
  ],
  [
    'UND_KAFKA_DENIED',
    new Set([
      'TOPIC_AUTHORIZATION_FAILED',
      'CLUSTER_AUTHORIZATION_FAILED',
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    ]),
  ],
  ['UND_KAFKA_TLS', new Set(['TLS'])],
  ['UND_KAFKA_TOPIC_MISSING', new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'])],
  ['UND_KAFKA_TIMEOUT', new Set(['PLT_KFK_TIMEOUT', 'REQUEST_TIMED_OUT'])],
  ['UND_KAFKA_UNREACHABLE', new Set(['PLT_KFK_NETWORK', 'BROKER_NOT_AVAILABLE'])],
];

/** Codes of Node.js and OpenSSL (nodejs.org/api/tls.html#x509-certificate-error-codes), and of the client. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|EPROTO$)/;
const TLS_TEXT = /^(Broker requires TLS|TLS handshake failed)/;

/** The most telling code, with the text of the innermost error. Never carries a payload. */
export function toKafkaError(error: unknown): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const names = new Set<string>();
  let text = '';
  for (const node of chainOf(error)) {
    for (const property of ['apiId', 'code']) {
      const name = Reflect.get(node, property);
      if (typeof name !== 'string') continue;
      names.add(TLS_CODE.test(name) ? 'TLS' : name);
    }
    if (node.message.startsWith('Unknown topic')) names.add('UNKNOWN_TOPIC_OR_PARTITION');
    if (TLS_TEXT.test(node.message)) names.add('TLS');
    if (node.message !== '') text = node.message;
  }
  const found = CODES.find(([, known]) => Array.from(names).some((name) => known.has(name)));
  const message = text.slice(0, LIMITS.errorCharacters);
  return new UnderstudyError(found?.[0] ?? 'UND_KAFKA_FAILED', message, { cause: error });
}

/** The same with what an operator needs to know: who was refused, and what to do. */
export function explainKafkaError(error: unknown, kafka: KafkaConfig): UnderstudyError {
  const plain = toKafkaError(error);
  const sentence = plain.message === 'Connection closed' ? CLOSED : sentenceOf(plain.code, kafka);
  if (error instanceof UnderstudyError || sentence === '') return plain;
  return new UnderstudyError(plain.code, `${sentence} ${plain.message}`, { cause: error });
}

/** Brokers say so little of a missing certificate (TLS 1.3), of SASL on a plain port and the reverse. */
const CLOSED =
  'A broker ended the connection without a reason: it stopped, or it wants kafka.sasl, kafka.tls or ' +
  'its certFile.';

function sentenceOf(code: ErrorCode, { sasl, pairsTopic, accountingTopic }: KafkaConfig): string {
  const user = sasl === null ? 'this client' : `user ${sasl.username}`;
  switch (code) {
    case 'UND_KAFKA_AUTH':
      return sasl === null
        ? 'The brokers want kafka.sasl.'
        : `The brokers refuse ${user} (${sasl.mechanism}, password of ${sasl.passwordFile}).`;
    case 'UND_KAFKA_DENIED':
      return `The brokers do not let ${user} write ${pairsTopic} and ${accountingTopic}: grant DESCRIBE and WRITE.`;
    case 'UND_KAFKA_TLS':
      return 'No TLS connection to the brokers: see kafka.tls.';
    default:
      return '';
  }
}

/** Whether the protocol's error `name` is somewhere in it. */
export function isKafkaError(error: unknown, name: string): boolean {
  return chainOf(error).some((node) => Reflect.get(node, 'apiId') === name);
}

/** A broker that has just started says so for a moment: no trouble, the client asks again. */
export function isBrokerStarting(error: unknown): boolean {
  return isKafkaError(error, 'COORDINATOR_LOAD_IN_PROGRESS');
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
