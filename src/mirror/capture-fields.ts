/**
 * Takes the allow-listed values out of a request body. Nothing else of a body is ever stored.
 */
import { LIMITS } from '../config/defaults.ts';
import type { RouteConfig } from '../config/types.ts';
import { compilePointer, type Pointer } from '../prediction/json-pointer.ts';
import { parseJson, parseJsonWithNumberText } from '../prediction/parse-json.ts';

type CapturedValue = string | number | boolean | null;

export interface CapturedFields {
  readonly captured: Readonly<Record<string, CapturedValue>>;
  readonly join: string | undefined;
}

/** Reads a decoded body; `null` where the route captures nothing, so that no body is parsed for it. */
export type FieldCapture = ((body: string) => CapturedFields) | null;

export const NOTHING_CAPTURED: CapturedFields = { captured: {}, join: undefined };

/**
 * Compiles a route's allow-list.
 *
 * - strings are cut at `LIMITS.capturedCharacters`; objects, arrays and absent values are left out
 * - an integer beyond 2^53 is captured as its digits, a string: it is an identifier, not a quantity
 * - `join` is a string, or the text of a number or boolean; a longer one is left out, since a cut one would
 *   join what does not belong together
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function compileCapture(route: Pick<RouteConfig, 'capture' | 'join'>): FieldCapture {
  const pointers = route.capture.map((text) => [text, compilePointer(text)] as const);
  const join = route.join === '' ? null : compilePointer(route.join);
  if (pointers.length === 0 && join === null) return null;

  return (body) => {
    const document = parseJson(body);
    if (document === undefined) return NOTHING_CAPTURED;
    const exact = new ExactNumbers(body);
    const captured: Record<string, CapturedValue> = {};
    for (const [text, pointer] of pointers) {
      const value = toCaptured(pointer(document), pointer, exact);
      if (value !== undefined) captured[text] = value;
    }
    return { captured, join: join === null ? undefined : toJoin(join, document, exact) };
  };
}

/** Parses a body a second time where a number's digits matter, and then only once. */
export class ExactNumbers {
  readonly #body: string;
  #document: unknown;
  #isParsed = false;

  constructor(body: string) {
    this.#body = body;
  }

  textOf(pointer: Pointer): unknown {
    if (!this.#isParsed) this.#document = parseJsonWithNumberText(this.#body);
    this.#isParsed = true;
    return pointer(this.#document);
  }
}

function toCaptured(
  value: unknown,
  pointer: Pointer,
  exact: ExactNumbers,
): CapturedValue | undefined {
  if (typeof value === 'string') return value.slice(0, LIMITS.capturedCharacters);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'number') return undefined;
  if (isExact(value)) return value;
  const text = exact.textOf(pointer);
  return typeof text === 'string' ? text.slice(0, LIMITS.capturedCharacters) : undefined;
}

function toJoin(pointer: Pointer, document: unknown, exact: ExactNumbers): string | undefined {
  const text = textAt(pointer, document, exact);
  return text !== undefined && text.length <= LIMITS.capturedCharacters ? text : undefined;
}

/** The text of a string, number (all its digits) or boolean; `undefined` for anything else, and for `''`. */
export function textAt(
  pointer: Pointer,
  document: unknown,
  exact: ExactNumbers,
): string | undefined {
  const value = pointer(document);
  let text: unknown;
  if (typeof value === 'number') text = isExact(value) ? String(value) : exact.textOf(pointer);
  else if (typeof value === 'boolean') text = String(value);
  else text = value;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** Not an integer that a double may have rounded, nor an overflow such as 1e400. */
function isExact(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
}
