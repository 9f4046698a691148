/**
 * Makes the copy of a request that candidates get: everything of the caller's but credentials, what the operator
 * hides, what was meant for one connection, and what is said anew. Redaction happens here, before anything leaves
 * the mirror.
 */
import { CREDENTIAL_HEADERS, dashedName, isCredentialParameter } from '../config/defaults.ts';
import type { RedactionConfig } from '../config/types.ts';
import { SHADOW_HEADER } from '../wire/shadow-header.ts';
import type { CandidateRequest } from './candidates/candidate.ts';
import {
  BODY_HEADERS,
  HOP_BY_HOP_HEADERS,
  isBodyDigest,
  REPLACED_HEADERS,
  TARGET_HEADERS,
} from './redacted-headers.ts';
import type { ParameterRedaction, Redaction } from './redaction/redaction.ts';

/** A request as framing reads it: header names and values as sent, body decoded from chunked. */
export interface CallerRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** What a copy has instead of the caller's, and without it. */
export interface CopyPolicy {
  /** Value of the shadow mark. */
  readonly mark: string;
  readonly headers: HeaderPolicy;
  readonly query: Redaction['query'];
  /** Another body than the caller's, not encoded; `null`: the caller's. */
  readonly body: Buffer | null;
}

/** Tells by its name, in lower case, whether a header of the caller is sent. */
export type HeaderPolicy = (name: string) => boolean;

/** Credentials are never sent; of the rest what the operator has not denied, or has allowed. */
export function compileHeaderPolicy(config: RedactionConfig): HeaderPolicy {
  const { denyHeaders, allowHeaders } = config;
  const without = new Set([
    ...CREDENTIAL_HEADERS,
    ...HOP_BY_HOP_HEADERS,
    ...REPLACED_HEADERS,
    ...TARGET_HEADERS,
    SHADOW_HEADER,
    ...denyHeaders.map(dashedName),
  ]);
  if (allowHeaders === null) return (name) => !without.has(dashedName(name));
  // Without these nobody could read the body.
  const only = new Set([...BODY_HEADERS, ...allowHeaders]);
  return (name) => only.has(name) && !without.has(dashedName(name));
}

export function prepareCopy(request: CallerRequest, policy: CopyPolicy): CandidateRequest {
  const { method, target } = request;
  const lower: [string, string][] = [];
  let perConnection: Set<string> | null = null;
  for (const [name, value] of request.headers) {
    const lowered = name.toLowerCase();
    if (lowered === 'connection') perConnection = namedBy(value, perConnection);
    lower.push([lowered, value]);
  }
  const headers: [string, string][] = [];
  for (const header of lower) {
    const [name, value] = header;
    if (!policy.headers(name) || perConnection?.has(name) === true) continue;
    // A digest of what is hidden lets a reader try values.
    if (policy.body !== null && isBodyDigest(dashedName(name))) continue;
    headers.push(name === 'referer' ? [name, pageOf(value)] : header);
  }
  headers.push([SHADOW_HEADER, policy.mark]);
  const body = policy.body ?? request.body;
  return { method, target: redactTarget(target, policy.query), headers, body };
}

/** A URL without userinfo, query and fragment: it may be that of the request itself. */
function pageOf(referer: string): string {
  const [page = ''] = referer.split(/[?#]/, 1);
  return page.replace(/\/\/[^/]*@/, '//');
}

/** Whether the caller's request is itself a copy, or says so. */
export function isMarked(request: Pick<CallerRequest, 'headers'>): boolean {
  return request.headers.some(([name]) => name.toLowerCase() === SHADOW_HEADER);
}

/** Options of Connection name further headers of this connection: RFC 9110 §7.6.1. */
function namedBy(value: string, known: Set<string> | null): Set<string> {
  const names = known ?? new Set<string>();
  for (const option of value.split(',')) names.add(option.trim().toLowerCase());
  return names;
}

/**
 * The target as path and query (an absolute-form target loses its authority: RFC 9112 §3.2.2), without query
 * parameters that carry credentials, and with those hidden that the route hides.
 */
function redactTarget(target: string, hidden: Redaction['query']): string {
  const path = target.startsWith('/') ? target : afterAuthority(target);
  const query = path.indexOf('?');
  if (query === -1) return path;
  // Some servers take `;` for `&` (HTML 4.01 B.2.2), so what follows one may be a parameter, too.
  const parts = path.slice(query + 1).split(/([&;])/);
  const kept: string[] = [];
  let isHidden = false;
  for (let i = 0; i < parts.length; i += 2) {
    const part = parts[i] ?? '';
    // Others do not: then it and the rest are of the value before it.
    if (isHidden && parts[i - 1] === ';') continue;
    const found = redactionOf(part, hidden);
    isHidden = found !== null;
    const parameter = found === null ? part : redactParameter(part, found);
    if (parameter === null) continue;
    kept.push(kept.length === 0 ? parameter : `${parts[i - 1]}${parameter}`);
  }
  return kept.length === 0 ? path.slice(0, query) : `${path.slice(0, query)}?${kept.join('')}`;
}

/** The rule for a parameter; `null`: it stays. Credentials go. */
function redactionOf(parameter: string, hidden: Redaction['query']): ParameterRedaction | null {
  // Some servers leave out blanks around it.
  const name = unescapeName(parameter.split('=', 1)[0] ?? '')
    .trim()
    .toLowerCase();
  // `items[]` and `items[0]` are how some servers write a list of `items`.
  const bracket = name.indexOf('[');
  const names = bracket > 0 ? [name, name.slice(0, bracket)] : [name];
  if (names.some(isCredentialParameter)) return () => null;
  for (const known of names) {
    const redact = hidden?.get(known);
    if (redact !== undefined) return redact;
  }
  return null;
}

function redactParameter(parameter: string, redact: ParameterRedaction): string | null {
  const equals = parameter.indexOf('=');
  const name = equals === -1 ? parameter : parameter.slice(0, equals);
  const instead = redact(equals === -1 ? '' : unescapeForm(parameter.slice(equals + 1)));
  return instead === null ? null : `${name}=${encodeURIComponent(instead)}`;
}

function afterAuthority(target: string): string {
  const rest = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*(.*)$/s.exec(target)?.[1] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Percent-encoding must not hide a name: what is no UTF-8 becomes U+FFFD, and the rest is read all the same. */
function unescapeName(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
    );
}

/** A value; one that is not well encoded stays as it is. */
function unescapeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
