/** One framing case: input, expectation and reason, written down before it ran. Text is latin1. */

export interface OracleCase {
  /** Unique; begins with its family: `F-01 CL and TE`. */
  readonly id: string;
  /** Bytes of the caller. */
  readonly request: string;
  /** Whole requests in them that stand before any doubt. */
  readonly clear: number;
  /** What is in doubt: an opaque reason, `any`, or empty. */
  readonly doubt: string;
  /** Why that is expected: RFC section, advisory, corpus entry. */
  readonly why: string;
  /** What the incumbent says to them; where left out, a plain 200 to each. */
  readonly answer?: string;
  /** Of the answer: an opaque reason. */
  readonly answerDoubt?: string;
  /** Interim answer, sent before the last `hold` bytes of the request come. */
  readonly interim?: string;
  readonly hold?: number;
  /** Interim answers are part of `answer`; the mirror gets what follows them. */
  readonly interimBytes?: number;
  /** Bytes at the end of `answer` that nobody asked for; the exchange before them is whole. */
  readonly surplusBytes?: number;
  /** The connection ends with it: nothing may follow. */
  readonly last?: boolean;
  /** The incumbent ends after its answer. */
  readonly ends?: boolean;
  /** The request is not complete: the caller ends after it. */
  readonly cut?: boolean;
  /** It is valid and yet not mirrored; the state it ends in. */
  readonly state?: string;
  /** Why Node's parser reads it in another way: then only our own expectation is compared. */
  readonly node?: string;
}

export const GET = 'GET /ping HTTP/1.1\r\nHost: h\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** @returns what the incumbent says to a request if the case does not say it */
export function plainAnswer(request: string): string {
  if (request.startsWith('HEAD ')) return OK.slice(0, -2);
  if (request.startsWith('CONNECT ')) return 'HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n';
  return OK;
}

/** @returns the family: what stands before the first dash, or the whole corpus name */
export function familyOf(id: string): string {
  return /^[A-Z](?=-\d)/.exec(id)?.[0] ?? id.split('/')[0] ?? id;
}
