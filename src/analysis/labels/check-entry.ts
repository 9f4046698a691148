/** What makes an outcome an outcome, wherever it comes from: a file or the API. Pure. */
import { LIMITS } from '../../config/defaults.ts';
import type { LabelEntry } from './label-entry.ts';

/** The two labels of the configuration. */
export interface AcceptedLabels {
  readonly positive: string;
  readonly negative: string;
}

/** A clock that is ahead is forgiven so much; what is later could never be corrected. */
const AHEAD_MS = 86_400_000;

/**
 * @param value - `{ key, label, at? }`: `key` a text or a whole number below 2^53, `label` one of the two (a text, number, true or false),
 *   `at` a time in ISO 8601 with its zone
 * @returns the entry, or what is wrong with it, in words that name no value of it but the label
 */
export function checkEntry(
  value: { readonly key?: unknown; readonly label?: unknown; readonly at?: unknown },
  { positive, negative }: AcceptedLabels,
  nowMs: number,
): LabelEntry | string {
  if (typeof value.key === 'number' && !Number.isSafeInteger(value.key)) {
    return 'key is a number that keeps not all of its digits: write it as a text, in quotes';
  }
  const key = textOf(value.key);
  if (key === null || key === '')
    return 'key is missing: the join value, or the id of the exchange';
  if (key.length > LIMITS.labelKeyCharacters) {
    return `key is over ${LIMITS.labelKeyCharacters} characters`;
  }
  // SQLite keeps one and the same character for any half of a pair: two keys would be one.
  if (!key.isWellFormed()) return 'key has half a character (a lone surrogate)';
  const label = textOf(value.label);
  if (label !== positive && label !== negative) {
    const told = label === null ? 'missing' : JSON.stringify(label.slice(0, 40));
    return `label is ${told}, and must be ${positive} or ${negative}`;
  }
  const { at } = value;
  if (at === undefined || at === null || at === '') return { key, label, atMs: null };
  const atMs = typeof at === 'string' && ISO.test(at) && isDay(at) ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(atMs)) return 'at is no time with its zone, as 2026-11-23T12:00:00Z';
  if (atMs > nowMs + AHEAD_MS) return 'at lies in the future';
  if (atMs < 0) return 'at lies before 1970';
  return { key, label, atMs };
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** `Date.parse` takes 30 February for 2 March. */
function isDay(at: string): boolean {
  const day = at.slice(0, 10);
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}
