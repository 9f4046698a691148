/**
 * States that another engine has computed, as lines of JSON:
 *
 *   {"schema":"understudy.state/1","plan":{…},"hash":"…","profile":"production"}
 *   {"kind":"cut","key":"","stretch":1764000000000,"bytes":"<base64>"}
 *   …
 *   {"end":1234}                                                           the number of lines between
 *
 * `kind`, `key`, `stretch` and `bytes` are those of state-entries.ts: equal pairs give equal lines, in any order.
 */
import { readFileSync } from 'node:fs';
import { UnderstudyError } from '../errors.ts';
import type { Analysis } from './analysis.ts';
import type { ExperimentPlan } from './plan.ts';
import { restoreAnalysis, STATE_KINDS, type StateEntry } from './state-entries.ts';

export const STATE_SCHEMA = 'understudy.state/1';

export interface FileState {
  readonly plan: ExperimentPlan;
  readonly hash: string;
  readonly profile: string;
  readonly analysis: Analysis;
}

/** @throws {UnderstudyError} `UND_USAGE` with the file and line of what is no such state */
export function readStateFile(path: string): FileState {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const fail = (line: number, why: string): UnderstudyError =>
    new UnderstudyError('UND_USAGE', `${path}, line ${line}: ${why}.`);
  const parsed = lines.map((line, i): unknown => {
    try {
      return JSON.parse(line);
    } catch {
      throw fail(i + 1, 'no JSON');
    }
  });
  const [first, ...rest] = parsed;
  if (!isHeader(first)) throw fail(1, `it begins with "schema": "${STATE_SCHEMA}" and a plan`);
  const last = rest.pop() as { end?: unknown } | undefined;
  // A copy that broke off would be a state with fewer pairs, and nobody would know.
  if (last?.end !== rest.length) throw fail(lines.length, 'the file is not whole');
  const entries = rest.map((line, i) => {
    const entry = toEntry(line);
    if (entry === null) throw fail(i + 2, 'no part of a state');
    return entry;
  });
  try {
    const analysis = restoreAnalysis(first.plan, entries);
    return { plan: first.plan, hash: first.hash, profile: first.profile, analysis };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_USAGE', `${path} holds no state: ${why}`, { cause });
  }
}

interface Header {
  readonly plan: ExperimentPlan;
  readonly hash: string;
  readonly profile: string;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, plan, hash, profile } = value as Partial<Record<string, unknown>>;
  const isText = typeof hash === 'string' && typeof profile === 'string';
  return schema === STATE_SCHEMA && isText && typeof plan === 'object' && plan !== null;
}

function toEntry(value: unknown): StateEntry | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kind, key, stretch, bytes } = value as Partial<Record<string, unknown>>;
  const known = STATE_KINDS.find((each) => each === kind);
  if (known === undefined || typeof key !== 'string') return null;
  if (!Number.isSafeInteger(stretch) || typeof bytes !== 'string') return null;
  return { kind: known, key, stretch: stretch as number, bytes: Buffer.from(bytes, 'base64') };
}
