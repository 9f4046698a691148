/** Why a connection to the incumbent could not be opened: a value for the books, a code for the caller. */
import type { ExchangeReason } from '../wire/exchange-states.ts';
import type { AuthoredCode } from './authored-answer.ts';

export interface Unreachable {
  readonly reason: ExchangeReason<'incumbent_unreachable'>;
  readonly code: AuthoredCode;
}

const BY_REASON = {
  refused: { reason: 'refused', code: 'UND_INCUMBENT_REFUSED' },
  unresolved: { reason: 'unresolved', code: 'UND_INCUMBENT_UNRESOLVED' },
  timeout: { reason: 'timeout', code: 'UND_INCUMBENT_TIMEOUT' },
  network: { reason: 'network', code: 'UND_INCUMBENT_NETWORK' },
} as const satisfies Record<string, Unreachable>;

/** The connect deadline of the gateway itself. */
export const CONNECT_TIMEOUT: Unreachable = BY_REASON.timeout;
/** The incumbent's name has no address. */
export const UNRESOLVED: Unreachable = BY_REASON.unresolved;

/** @param error - as the socket gave it before it was connected */
export function toUnreachable(error: Error): Unreachable {
  const code: unknown = Reflect.get(error, 'code');
  // ENOENT: the Unix socket of nobody.
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return BY_REASON.refused;
  if (code === 'ETIMEDOUT') return BY_REASON.timeout;
  return BY_REASON.network;
}
