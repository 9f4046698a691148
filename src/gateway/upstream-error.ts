/** Why a connection to the incumbent could not be opened: a value for the books, a code for the caller. */
import type { ExchangeReason } from '../wire/exchange-states.ts';
import type { AuthoredCode } from './authored-answer.ts';

export interface Unreachable {
  readonly reason: ExchangeReason<'incumbent_unreachable'>;
  readonly code: AuthoredCode;
  /** For logs, where code and reason do not tell all. */
  readonly detail?: string;
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

/** An incumbent's TCP connection has ended without a close_notify: what came may not be all. */
export class UncleanEnd extends Error {
  constructor() {
    super('the TLS connection was cut');
    this.name = 'UncleanEnd';
  }
}

/**
 * @param error - as TLS gave it before its connection was open
 * @param isCertificate - the handshake went well and the incumbent's certificate was not accepted
 */
export function toTlsUnreachable(error: Error, isCertificate: boolean): Unreachable {
  const detail = `${Reflect.get(error, 'code') ?? ''} ${error.message}`.slice(0, 200).trim();
  if (isCertificate) return { reason: 'certificate', code: 'UND_INCUMBENT_CERTIFICATE', detail };
  const code = String(Reflect.get(error, 'code') ?? '');
  // Refused, unreachable: TCP's own failures. A reset or an end came in the middle of the handshake.
  if (/^E[A-Z0-9]+$/.test(code) && code !== 'ECONNRESET' && code !== 'EPIPE') {
    return toUnreachable(error);
  }
  return { reason: 'tls', code: 'UND_INCUMBENT_TLS', detail };
}

/** Its certificate files cannot be used, so there is nothing to begin a handshake with. */
export const TLS_NOT_USABLE: Unreachable = {
  reason: 'tls',
  code: 'UND_INCUMBENT_TLS',
  detail: 'UND_TLS_FILE',
};

/**
 * How an open connection to the incumbent broke. `alert`: TLS 1.3 refuses a client certificate so, after
 * the handshake, in place of an answer.
 */
export function toBreak(error: Error): 'reset' | 'cut' | 'alert' {
  if (error instanceof UncleanEnd) return 'cut';
  return String(Reflect.get(error, 'code') ?? '').includes('_ALERT_') ? 'alert' : 'reset';
}
