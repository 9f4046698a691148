/**
 * How two answers differ as documents: members that are missing, new, of another type or of another value. For
 * contracts that are more than scores. Names of members are kept unless they are data that is hidden,
 * values never. Pure.
 *
 * Bounded: at most `maxDifferences` places (elements of arrays are one place, `*`), at most `maxNodes` visited.
 */
import { differenceOf } from './decimal.ts';
import type { StructureDifference } from './pair.ts';

/** A number whose double may differ from what was written. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface StructureLimits {
  readonly maxDifferences: number;
  readonly maxNodes: number;
  /** Characters of a place. */
  readonly maxCharacters: number;
}

export interface StructureDiff {
  /** By place and kind, in the order in which they were met. */
  readonly differences: readonly StructureDifference[];
  /** Whether some stand not there, since a limit was reached. */
  readonly isCut: boolean;
}

/**
 * Tells whether a place is left out: JSON Pointers whose token `*` matches any one token. All that is below a
 * place is left out with it.
 */
export type Ignore = (tokens: readonly string[]) => boolean;

/** @param pointers - RFC 6901, `*` for any one token; their syntax has been checked */
export function compileIgnore(pointers: readonly string[]): Ignore {
  const patterns = pointers.map(tokensOf);
  return (tokens) =>
    patterns.some(
      (pattern) =>
        pattern.length === tokens.length &&
        pattern.every((token, i) => token === '*' || token === tokens[i]),
    );
}

/** What stands for the tokens of a place in a record: names that are data are `*`. */
export type PlaceNames = (
  tokens: readonly string[],
  kind: StructureDifference['kind'],
) => readonly string[];

/**
 * @param hidden - pointers of what is hidden in answers: a name that one has a `*` for is data
 * @param hidesNew - whether names of new members may be data, too: whoever made them knows what records must not have
 */
export function compileNames(hidden: readonly string[], hidesNew: boolean): PlaceNames {
  const patterns = hidden.map(tokensOf).filter((pattern) => pattern.includes('*'));
  return (tokens, kind) => {
    const names = [...tokens];
    for (const pattern of patterns) {
      for (const [i, token] of tokens.entries()) {
        if (pattern[i] === '*') names[i] = '*';
        else if (pattern[i] !== token) break;
      }
    }
    if (hidesNew && kind === 'extra') names[names.length - 1] = '*';
    return names;
  };
}

interface Walk {
  readonly ignore: Ignore;
  readonly names: PlaceNames;
  readonly tolerance: number;
  readonly limits: StructureLimits;
  readonly found: Map<string, StructureDifference & { count: number }>;
  nodes: number;
  isCut: boolean;
}

/**
 * @param incumbent - a document with `ExactNumber` where a double is not enough; nested no deeper than the
 *   reader allows, since this is recursive
 * @param options.tolerance - numbers further apart than this (absolute) differ, ≥ 0
 */
export function diffStructure(
  incumbent: unknown,
  candidate: unknown,
  options: {
    readonly ignore: Ignore;
    readonly names: PlaceNames;
    readonly tolerance: number;
    readonly limits: StructureLimits;
  },
): StructureDiff {
  const walk: Walk = { ...options, found: new Map(), nodes: 0, isCut: false };
  compareNodes(incumbent, candidate, [], walk);
  return { differences: [...walk.found.values()], isCut: walk.isCut };
}

function compareNodes(ours: unknown, theirs: unknown, tokens: string[], walk: Walk): void {
  walk.nodes += 1;
  if (walk.nodes > walk.limits.maxNodes) {
    walk.isCut = true;
    return;
  }
  if (tokens.length > 0 && walk.ignore(tokens)) return;
  const kind = kindOf(ours);
  if (kind !== kindOf(theirs)) note('type', tokens, walk);
  else if (kind === 'array') compareArrays(ours as unknown[], theirs as unknown[], tokens, walk);
  else if (kind === 'object') compareObjects(ours as object, theirs as object, tokens, walk);
  else if (!isSame(ours, theirs, walk.tolerance)) note('value', tokens, walk);
}

function compareArrays(
  ours: readonly unknown[],
  theirs: readonly unknown[],
  tokens: string[],
  walk: Walk,
): void {
  const common = Math.min(ours.length, theirs.length);
  for (let i = 0; i < common; i++) {
    compareNodes(ours[i], theirs[i], [...tokens, String(i)], walk);
    if (walk.isCut && walk.nodes > walk.limits.maxNodes) return;
  }
  if (ours.length !== theirs.length) {
    note(ours.length > theirs.length ? 'missing' : 'extra', [...tokens, String(common)], walk);
  }
}

function compareObjects(ours: object, theirs: object, tokens: string[], walk: Walk): void {
  for (const [name, value] of Object.entries(ours)) {
    const path = [...tokens, name];
    if (Object.hasOwn(theirs, name)) {
      compareNodes(value, (theirs as Record<string, unknown>)[name], path, walk);
    } else note('missing', path, walk);
    if (walk.nodes > walk.limits.maxNodes) return;
  }
  for (const name of Object.keys(theirs)) {
    if (!Object.hasOwn(ours, name)) note('extra', [...tokens, name], walk);
  }
}

function note(kind: StructureDifference['kind'], tokens: readonly string[], walk: Walk): void {
  if (tokens.length > 0 && walk.ignore(tokens)) return;
  const at = toPlace(walk.names(tokens, kind), walk.limits.maxCharacters);
  const key = `${kind} ${at}`;
  const known = walk.found.get(key);
  if (known !== undefined) known.count += 1;
  else if (walk.found.size < walk.limits.maxDifferences)
    walk.found.set(key, { at, kind, count: 1 });
  else walk.isCut = true;
}

/** A pointer whose array indices are `*`: the elements of a batch are one place. */
function toPlace(tokens: readonly string[], maxCharacters: number): string {
  const place = tokens
    .map((token) => (/^\d+$/.test(token) ? '*' : escapeToken(token)))
    .map((token) => `/${token}`)
    .join('');
  return place.slice(0, maxCharacters).toWellFormed();
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof ExactNumber) return 'number';
  return Array.isArray(value) ? 'array' : typeof value;
}

function isSame(ours: unknown, theirs: unknown, tolerance: number): boolean {
  if (kindOf(ours) !== 'number') return ours === theirs;
  if (ours === theirs) return true; // infinities, too
  const difference =
    typeof ours === 'number' && typeof theirs === 'number'
      ? theirs - ours
      : differenceOf(textOf(theirs), textOf(ours));
  return Math.abs(difference) <= tolerance;
}

function textOf(value: unknown): string {
  return value instanceof ExactNumber ? value.text : String(value);
}

function tokensOf(pointer: string): string[] {
  const tokens = pointer.slice(1).split('/');
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}
