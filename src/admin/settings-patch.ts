/** A change of settings as an operator sends it, checked: what is not understood whole changes nothing. */
import { LIMITS } from '../config/defaults.ts';
import { type ErrorCode, UnderstudyError } from '../errors.ts';

/** `undo`, or at least one of `enabled`, `rates` and `requestsPerSecond`; and always a reason. */
export interface SettingsPatch {
  readonly enabled?: boolean;
  /** Candidate name → rate, 0 to 1; candidates that are not named keep theirs. */
  readonly rates?: Readonly<Record<string, number>>;
  /** Candidate name → copies a second, 0 (no cap) to LIMITS.requestsPerSecond. */
  readonly requestsPerSecond?: Readonly<Record<string, number>>;
  /** Puts back what was in force before the last change. */
  readonly undo?: true;
  /** The change is for so long; then what was before comes back. */
  readonly ttlMs?: number;
  /** 1 to LIMITS.reasonCharacters characters, none of them a control character. */
  readonly reason: string;
}

const KEYS = new Set(['enabled', 'rates', 'requestsPerSecond', 'undo', 'ttlMs', 'reason']);

/**
 * @param text - JSON as it was sent; no value is converted to another type
 * @param candidates - names that exist
 * @throws {UnderstudyError} `UND_API_JSON` not JSON, or a key twice in one object;
 * `UND_API_FIELD` an unknown key, a value of another type or out of range, nothing to change;
 * `UND_API_CANDIDATE` no such candidate; `UND_API_REASON` no reason, or one that is too long
 */
export function parseSettingsPatch(text: string, candidates: readonly string[]): SettingsPatch {
  const body = parseObject(text, KEYS);
  const { enabled } = body;
  if (enabled !== undefined && typeof enabled !== 'boolean') {
    throw fault('UND_API_FIELD', 'enabled must be true or false.');
  }
  const rates = parseNumbers(body, 'rates', { candidates, max: 1 });
  const max = LIMITS.requestsPerSecond;
  const requestsPerSecond = parseNumbers(body, 'requestsPerSecond', { candidates, max });
  const isChange = enabled !== undefined || rates !== undefined || requestsPerSecond !== undefined;
  if (body.undo !== undefined && (body.undo !== true || isChange)) {
    throw fault('UND_API_FIELD', 'undo is true, and stands without anything to change.');
  }
  if (!isChange && body.undo === undefined) {
    const keys = 'enabled, rates, requestsPerSecond or undo';
    throw fault('UND_API_FIELD', `Nothing to change: give ${keys}.`);
  }
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(rates === undefined ? {} : { rates }),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(body.undo === undefined ? {} : { undo: true }),
    ...(body.ttlMs === undefined ? {} : { ttlMs: parseTtl(body.ttlMs) }),
    reason: parseReason(body.reason),
  };
}

/**
 * A body's object, of known keys, none of them twice.
 *
 * @throws {UnderstudyError} `UND_API_JSON`, `UND_API_FIELD`
 */
export function parseObject(text: string, keys: ReadonlySet<string>): Record<string, unknown> {
  const body = parseJson(text);
  if (!isRecord(body)) throw fault('UND_API_FIELD', 'The body must be an object.');
  for (const key of Object.keys(body)) {
    if (!keys.has(key)) throw fault('UND_API_FIELD', `Unknown key ${quote(key)}.`);
  }
  return body;
}

/** An object of candidates to numbers from 0 to `max`; `undefined` where the key is missing. */
function parseNumbers(
  body: Record<string, unknown>,
  key: 'rates' | 'requestsPerSecond',
  { candidates, max }: { readonly candidates: readonly string[]; readonly max: number },
): Record<string, number> | undefined {
  const value = body[key];
  if (value === undefined) return undefined;
  if (!isRecord(value)) {
    throw fault('UND_API_FIELD', `${key} must be an object: candidate to number.`);
  }
  const numbers: Record<string, number> = Object.create(null);
  for (const [name, number] of Object.entries(value)) {
    if (!candidates.includes(name)) {
      throw fault(
        'UND_API_CANDIDATE',
        `There is no candidate ${quote(name)}; there are: ${candidates.join(', ')}.`,
      );
    }
    if (typeof number !== 'number' || !(number >= 0 && number <= max)) {
      throw fault('UND_API_FIELD', `${key} of ${name} must be a number from 0 to ${max}.`);
    }
    numbers[name] = number;
  }
  if (Object.keys(numbers).length === 0) {
    throw fault('UND_API_FIELD', `${key} names no candidate.`);
  }
  return numbers;
}

function parseTtl(value: unknown): number {
  const { settingsTtlMinMs: min, settingsTtlMaxMs: max } = LIMITS;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw fault('UND_API_FIELD', `ttlMs must be an integer from ${min} to ${max}.`);
}

/** @throws {UnderstudyError} `UND_API_REASON` */
export function parseReason(value: unknown): string {
  const reason = typeof value === 'string' ? value.trim() : '';
  if (reason === '') throw fault('UND_API_REASON', 'Give a reason: it is kept with the change.');
  if (reason.length > LIMITS.reasonCharacters || /\p{Cc}/u.test(reason)) {
    throw fault(
      'UND_API_REASON',
      `The reason must be one line of at most ${LIMITS.reasonCharacters} characters.`,
    );
  }
  return reason;
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fault('UND_API_JSON', 'The body is not JSON.', cause);
  }
  if (keysWritten(text) !== keysKept(value)) {
    throw fault('UND_API_JSON', 'A key stands twice in one object.');
  }
  return value;
}

/** Keys in the text of valid JSON: strings before a colon. */
function keysWritten(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (match[1] !== undefined) count += 1;
  }
  return count;
}

/** Keys in the parsed value. No recursion: the body may be nested as deep as it is long. */
function keysKept(value: unknown): number {
  const rest: unknown[] = [value];
  let count = 0;
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (!Array.isArray(next)) count += Object.keys(next).length;
    for (const child of Object.values(next)) rest.push(child);
  }
  return count;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function fault(code: ErrorCode, message: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError(code, message, { cause });
}
