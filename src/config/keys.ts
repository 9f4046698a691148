/**
 * The keys that the schema knows, as one list: for environment variables, for suggestions, and for the
 * tests that hold files and documents against the schema.
 */
import { configJsonSchema } from './schema.ts';
import type { KeyPath } from './source.ts';

/** What an environment variable's text becomes. */
export type KeyKind = 'text' | 'number' | 'boolean' | 'other';

/** One key of the file. */
export interface KnownKey {
  /** `candidates[].timeoutMs`: an element of a list stands as `[]`. */
  readonly path: string;
  readonly steps: readonly string[];
  readonly kind: KeyKind;
  /** A list of texts: an environment variable may separate them by commas. */
  readonly textList: boolean;
  readonly nullable: boolean;
  /** `undefined`: there is none. */
  readonly default: unknown;
  readonly description: string;
}

let known: readonly KnownKey[] | undefined;

/** All keys, parents before children, in the order of the schema. */
export function knownKeys(): readonly KnownKey[] {
  if (known === undefined) {
    const found = new Map<string, KnownKey>();
    collect(configJsonSchema(), [], found);
    known = [...found.values()];
  }
  return known;
}

function collect(schema: unknown, steps: readonly string[], found: Map<string, KnownKey>): void {
  for (const branch of branchesOf(schema)) {
    for (const [key, child] of Object.entries(record(branch.properties))) {
      const path = [...steps, key];
      add(child, path, found);
      collect(child, path, found);
    }
    if (branch.items !== undefined) collect(branch.items, [...steps, '[]'], found);
  }
}

function add(schema: unknown, steps: readonly string[], found: Map<string, KnownKey>): void {
  const path = steps.join('.').replaceAll('.[]', '[]');
  if (found.has(path)) return;
  const branches = branchesOf(schema);
  found.set(path, {
    path,
    steps,
    kind: kindOf(branches),
    textList: branches.some((b) => kindOf(branchesOf(b.items)) === 'text'),
    nullable: branches.some((b) => b.type === 'null'),
    default: record(schema).default,
    description: String(record(schema).description ?? ''),
  });
}

/** A schema, or the alternatives of a union. */
function branchesOf(schema: unknown): Record<string, unknown>[] {
  const own = record(schema);
  const alternatives = own.anyOf ?? own.oneOf;
  return Array.isArray(alternatives) ? alternatives.flatMap(branchesOf) : [own];
}

function kindOf(branches: readonly Record<string, unknown>[]): KeyKind {
  const types = branches.map((b) => b.type);
  if (types.includes('string')) return 'text';
  if (types.includes('number') || types.includes('integer')) return 'number';
  return types.includes('boolean') ? 'boolean' : 'other';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** `candidates[0].timeoutMs`: how a key path is written for people. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** `candidates[].timeoutMs`: the known key that a path would be. */
export function patternOf(path: KeyPath): string {
  return formatKeyPath(path).replace(/\[\d+\]/g, '[]');
}

/**
 * The nearest of some words, where one is near enough to be a slip: at most a third of its letters differ,
 * and at most three.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 4;
  for (const candidate of known) {
    const allowed = Math.min(3, Math.max(1, Math.floor(candidate.length / 3)));
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), allowed);
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, or `limit + 1` where it is larger. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? limit + 1;
}
