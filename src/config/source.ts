/**
 * A YAML file as a plain value, with the line and column of each key and value. One document of plain
 * mappings, lists and scalars (YAML 1.2, core schema): anchors, aliases, tags, duplicate keys, tabs as
 * indentation and several documents are problems, not features.
 */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import type { ConfigProblem } from '../errors.ts';

/** Key path of a value: `['candidates', 0, 'rate']`. */
export type KeyPath = readonly (string | number)[];

/** 1-based; 0 where the place is not known. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A file that could be parsed. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** Where a value stands; of a missing one, where its parent stands. */
  placeOf(path: KeyPath): Place;
  /** Where a key stands: the last element of the path. */
  placeOfKey(path: KeyPath): Place;
}

type Parsed = { readonly source: Source } | { readonly problems: readonly ConfigProblem[] };

/**
 * @param bytes - content of the file: UTF-8, a byte order mark is allowed
 * @param file - as it shall stand in messages
 */
export function parseSource(bytes: Uint8Array, file: string): Parsed {
  const problem = (place: Place, value: string, expected: string): ConfigProblem => ({
    file,
    ...place,
    path: '',
    value,
    expected,
  });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problems: [problem(placeOfBadByte(bytes), '', 'text in UTF-8')] };
  }
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
      version: '1.2',
    });
  } catch (error) {
    // The parser is recursive: a thousand brackets end here as a RangeError.
    const why = error instanceof Error ? error.message : String(error);
    return { problems: [problem({ line: 1, column: 1 }, '', `readable YAML (${why})`)] };
  }
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const problems = [
    ...[...document.errors, ...document.warnings].map((e) =>
      problem(place(e.pos[0]), '', `valid YAML: ${firstLine(e.message)}`),
    ),
    ...findForeign(document).map(({ offset, what }) => problem(place(offset), what, PLAIN)),
  ];
  if (problems.length > 0) return { problems };
  return { source: makeSource(document, file, place) };
}

const PLAIN = 'plain keys and values, without anchors, aliases or tags';

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}

/** Position of the first byte that is not UTF-8. */
function placeOfBadByte(bytes: Uint8Array): Place {
  // Up to the first replacement character the two texts are the same.
  const before = new TextDecoder().decode(bytes).split('\uFFFD', 1)[0] ?? '';
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

interface Foreign {
  readonly offset: number;
  readonly what: string;
}

/** Anchors, aliases, tags and keys that are no scalars. */
function findForeign(document: Document.Parsed): Foreign[] {
  const found: Foreign[] = [];
  visit(document, {
    Alias: (_, node) => {
      found.push({ offset: node.range?.[0] ?? 0, what: `*${node.source}`.slice(0, 80) });
    },
    Node: (_, node) => {
      const { anchor, tag } = node as Node & { anchor?: string };
      const offset = node.range?.[0] ?? 0;
      if (anchor !== undefined) found.push({ offset, what: `&${anchor}`.slice(0, 80) });
      else if (tag !== undefined && !tag.startsWith('tag:yaml.org,2002:')) {
        found.push({ offset, what: tag.slice(0, 80) });
      }
    },
    Pair: (_, pair) => {
      if (!isScalar(pair.key))
        found.push({ offset: offsetOf(pair.key), what: 'a list or mapping' });
    },
  });
  return found;
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function isNode(node: unknown): node is Node {
  return isMap(node) || isSeq(node) || isScalar(node);
}

function makeSource(
  document: Document.Parsed,
  file: string,
  place: (offset: number) => Place,
): Source {
  const root = document.contents;
  const placeOf = (path: KeyPath): Place => {
    const node = deepest(root, path);
    return isNode(node) ? place(offsetOf(node)) : { line: 1, column: 1 };
  };
  return {
    file,
    value: document.toJS({ maxAliasCount: 0 }),
    placeOf,
    placeOfKey: (path) => {
      const key = keyIn(deepest(root, path.slice(0, -1)), path.at(-1));
      return key === undefined ? placeOf(path) : place(offsetOf(key));
    },
  };
}

/** The node of a path, or of the longest part of it that exists and has a place. */
function deepest(root: unknown, path: KeyPath): unknown {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (!isNode(next)) break;
    node = next;
  }
  return node;
}

function childOf(node: unknown, step: string | number): unknown {
  if (isSeq(node)) return typeof step === 'number' ? node.items[step] : undefined;
  return pairIn(node, step)?.value;
}

function keyIn(node: unknown, step: string | number | undefined): unknown {
  return step === undefined ? undefined : pairIn(node, step)?.key;
}

function pairIn(node: unknown, step: string | number): Pair | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
}
