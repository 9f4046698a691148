/**
 * Makes the copy of a request that candidates get: everything of the caller's but credentials, what was meant
 * for one connection, and what is said anew. Redaction happens here, before anything leaves the mirror.
 */
import { SHADOW_HEADER } from '../wire/shadow-header.ts';
import type { CandidateRequest } from './candidates/candidate.ts';
import {
  CREDENTIAL_HEADERS,
  CREDENTIAL_PARAMETERS,
  HOP_BY_HOP_HEADERS,
  REPLACED_HEADERS,
} from './redacted-headers.ts';

/** A request as framing reads it: header names and values as sent, body decoded from chunked. */
export interface CallerRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** @param mark - value of the shadow mark */
export function prepareCopy(request: CallerRequest, mark: string): CandidateRequest {
  const { method, target, body } = request;
  const lower: [string, string][] = [];
  let perConnection: Set<string> | null = null;
  for (const [name, value] of request.headers) {
    const lowered = name.toLowerCase();
    if (lowered === 'connection') perConnection = namedBy(value, perConnection);
    lower.push([lowered, value]);
  }
  const headers: [string, string][] = [];
  for (const header of lower) {
    const [name] = header;
    if (isKept(name) && perConnection?.has(name) !== true) headers.push(header);
  }
  headers.push([SHADOW_HEADER, mark]);
  return { method, target: redactTarget(target), headers, body };
}

/** Whether the caller's request is itself a copy, or says so. */
export function isMarked(request: Pick<CallerRequest, 'headers'>): boolean {
  return request.headers.some(([name]) => name.toLowerCase() === SHADOW_HEADER);
}

function isKept(name: string): boolean {
  return (
    !CREDENTIAL_HEADERS.has(name) &&
    !HOP_BY_HOP_HEADERS.has(name) &&
    !REPLACED_HEADERS.has(name) &&
    name !== SHADOW_HEADER
  );
}

/** Options of Connection name further headers of this connection: RFC 9110 §7.6.1. */
function namedBy(value: string, known: Set<string> | null): Set<string> {
  const names = known ?? new Set<string>();
  for (const option of value.split(',')) names.add(option.trim().toLowerCase());
  return names;
}

/**
 * The target as path and query (an absolute-form target loses its authority: RFC 9112 §3.2.2), without query
 * parameters that carry credentials.
 */
function redactTarget(target: string): string {
  const path = target.startsWith('/') ? target : afterAuthority(target);
  const query = path.indexOf('?');
  if (query === -1) return path;
  // Some servers take `;` for `&` (HTML 4.01 B.2.2), so what follows one may be a parameter, too.
  const parts = path.slice(query + 1).split(/([&;])/);
  const kept: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const parameter = parts[i] ?? '';
    if (CREDENTIAL_PARAMETERS.has(parameterName(parameter))) continue;
    kept.push(kept.length === 0 ? parameter : `${parts[i - 1]}${parameter}`);
  }
  return kept.length === 0 ? path.slice(0, query) : `${path.slice(0, query)}?${kept.join('')}`;
}

function afterAuthority(target: string): string {
  const rest = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*(.*)$/s.exec(target)?.[1] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Percent-encoding must not hide a name. */
function parameterName(parameter: string): string {
  const [name = ''] = parameter.split('=', 1);
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}
