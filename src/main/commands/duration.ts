/** Times as operators write them: `90s`, `30m`, `24h`, `7d`. */
import { UnderstudyError } from '../../errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * @returns ms
 * @throws {UnderstudyError} `UND_USAGE`
 */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d+)?)\s*([smhd])$/.exec(text.trim());
  const ms = Number(match?.[1] ?? Number.NaN) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN);
  if (ms > 0) return Math.round(ms);
  throw new UnderstudyError('UND_USAGE', `A time is a number and s, m, h or d (30m), not ${text}.`);
}

/**
 * A moment: so long ago (`24h`), or a time in ISO 8601.
 *
 * @returns Unix ms
 * @throws {UnderstudyError} `UND_USAGE`
 */
export function parseMoment(text: string, nowMs: number): number {
  if (/^\d[\d.]*\s*[smhd]$/.test(text.trim())) return nowMs - parseDuration(text);
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UnderstudyError('UND_USAGE', `Since when? 24h, or 2026-11-23T12:00:00Z, not ${text}.`);
}
