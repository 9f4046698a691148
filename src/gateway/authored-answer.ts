/**
 * The only bytes the gateway writes of its own: RFC 9457 problem bodies with a code, always
 * `Connection: close`, and never where an answer byte was relayed or an earlier answer is owed.
 */
import { ERRORS, type ErrorCode } from '../errors.ts';

/** Codes a gateway answers with, and the status of each. */
const AUTHORED = {
  UND_REQUEST_AMBIGUOUS: [400, 'Bad Request'],
  UND_INCUMBENT_REFUSED: [502, 'Bad Gateway'],
  UND_INCUMBENT_UNRESOLVED: [502, 'Bad Gateway'],
  UND_INCUMBENT_NETWORK: [502, 'Bad Gateway'],
  UND_INCUMBENT_CERTIFICATE: [502, 'Bad Gateway'],
  UND_INCUMBENT_TLS: [502, 'Bad Gateway'],
  UND_INCUMBENT_TIMEOUT: [504, 'Gateway Timeout'],
  UND_INCUMBENT_SLOW: [504, 'Gateway Timeout'],
  UND_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  UND_GATEWAY_BUSY: [503, 'Service Unavailable'],
} as const satisfies Partial<Record<ErrorCode, readonly [number, string]>>;

export type AuthoredCode = keyof typeof AUTHORED;

/** @param method - of the request that is answered: an answer to HEAD has no body */
export function authoredAnswer(code: AuthoredCode, method: string): Buffer {
  const [status, title] = AUTHORED[code];
  const detail = ERRORS[code].meaning;
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail, code })}\n`;
  const head =
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  return Buffer.from(method === 'HEAD' ? head : head + body);
}
