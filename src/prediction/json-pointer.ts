/**
 * JSON Pointer, RFC 6901: compiled once, applied to many documents.
 */
import { UnderstudyError } from '../errors.ts';

/** Returns the value the pointer names, or `undefined` where the document has none. */
export type Pointer = (document: unknown) => unknown;

/** RFC 6901 §4: no leading zeros; `-` names the element after the last, which never exists. */
const ARRAY_INDEX = /^(?:0|[1-9][0-9]*)$/;
const BAD_ESCAPE = /~(?![01])/;

/**
 * Compiles a pointer. Only own properties are found, so `/__proto__` is a name like any other.
 *
 * @param text - `''` (the whole document) or tokens that each begin with `/`; `~0` is `~`, `~1` is `/`
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX` when it does not begin with `/`, or holds a `~` that is
 *   followed by neither 0 nor 1
 * Source: RFC 6901 §3 (syntax), §4 (evaluation).
 */
export function compilePointer(text: string): Pointer {
  if (text === '') return (document) => document;
  const tokens = pointerTokens(text);
  return (document) => evaluate(document, tokens);
}

/**
 * The tokens of a pointer that names a part of a document.
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX` as above, and for the empty one
 */
export function pointerTokens(text: string): string[] {
  if (!text.startsWith('/') || BAD_ESCAPE.test(text)) {
    throw new UnderstudyError(
      'UND_POINTER_SYNTAX',
      `${JSON.stringify(text.slice(0, 80))} is not a JSON Pointer: write "" or "/name/0/name", with ~0 for ~ and ~1 for /.`,
    );
  }
  return text.slice(1).split('/').map(unescapeToken);
}

/** `~1` first: the other order would turn `~01` into `/` (RFC 6901 §4). */
function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function evaluate(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) {
      if (!ARRAY_INDEX.test(token)) return undefined;
      value = value[Number(token)];
    } else {
      if (!Object.hasOwn(value, token)) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[token];
    }
  }
  return value;
}
