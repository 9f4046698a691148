/** Errors of the admin API as RFC 9457 problem details, `application/problem+json`. */
import type { FastifyError } from 'fastify';
import { ERRORS, type ErrorCode, UnderstudyError } from '../errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  /** HTTP status, as of the answer. */
  readonly status: number;
  /** The code's meaning, always the same for a code. */
  readonly title: string;
  /** What was wrong with this request. */
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
}

/** Status of the codes that the API answers with; 500 for all others. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  UND_API_TOKEN: 401,
  UND_API_THROTTLED: 429,
  UND_API_HOST: 403,
  UND_API_CROSS_SITE: 403,
  UND_API_ROUTE: 404,
  UND_API_MEDIA_TYPE: 415,
  UND_API_TOO_LARGE: 400,
  UND_API_JSON: 400,
  UND_API_FIELD: 400,
  UND_API_CANDIDATE: 400,
  UND_API_REASON: 400,
  UND_SETTINGS_CONFLICT: 412,
  UND_SETTINGS_UNDO: 409,
  UND_API_PRECONDITION: 428,
  UND_ANALYSIS_OFF: 409,
  UND_ANALYSIS_STORE: 503,
  UND_LABELS_OFF: 409,
  UND_LABELS_FULL: 409,
  UND_STATUS_UNAVAILABLE: 503,
  UND_AUDIT_READ: 503,
  UND_SETTINGS_WRITE: 503,
};

export function toProblem(code: ErrorCode, detail: string): Problem {
  const { meaning: title, retryable } = ERRORS[code];
  return { status: STATUS[code] ?? 500, title, detail, code, retryable };
}

/** What went wrong in a request, said without anything that the request or the machine holds inside. */
export function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof UnderstudyError) return toProblem(error.code, error.message);
  switch ('code' in error ? error.code : '') {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return toProblem('UND_API_TOO_LARGE', 'The body is too large.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return toProblem('UND_API_MEDIA_TYPE', 'Send the body as application/json.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return toProblem('UND_API_JSON', 'The body is not as long as Content-Length says.');
    default:
      return toProblem('UND_API_FAILED', 'See the log of the admin process.');
  }
}
