/**
 * JSON as model servers write it. Pure.
 */

/** `undefined` stands for "not JSON": no JSON document has that value. */
export type JsonDocument = unknown;

/**
 * Parses a body. Bare `NaN`, `Infinity` and `-Infinity`, which Python's `json.dumps` writes and RFC 8259
 * forbids, are read as `null` and as infinities: the answer stays readable, and its score is found to be none.
 *
 * @param text - a decoded body; its size is the caller's to limit
 * @returns the document, or `undefined` when it is not JSON
 */
export function parseJson(text: string): JsonDocument {
  return parse(text, undefined, undefined);
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** @param reviveMended - where bare words were replaced: the digits of their infinities are nobody's */
function parse(
  text: string,
  revive: Reviver | undefined,
  reviveMended: Reviver | undefined,
): JsonDocument {
  try {
    return JSON.parse(text, revive);
  } catch {
    if (!text.includes('NaN') && !text.includes('Infinity')) return undefined;
  }
  try {
    return JSON.parse(mendNonNumbers(text), reviveMended);
  } catch {
    return undefined;
  }
}

/**
 * Parses with every number replaced by its source text as a string: for values whose digits must survive,
 * such as an identifier over 2^53. Bare words as `parseJson`; where there are any, what is infinite is `null`.
 *
 * Source: ECMAScript "JSON.parse source text access" (the reviver's `context.source`).
 */
export function parseJsonWithNumberText(text: string): JsonDocument {
  const keepSource: Reviver = (_key, value, context) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  return parse(text, keepSource, (key, value, context) =>
    isInfinite(value) ? null : keepSource(key, value, context),
  );
}

/**
 * Parses with numbers that a double does not hold as they were written given to `make` instead. Bare words as
 * `parseJson`.
 *
 * @param make - makes what stands for such a number, of its source text
 * @returns the document, or `undefined` when it is not JSON
 */
export function parseJsonExactly(text: string, make: (source: string) => unknown): JsonDocument {
  const keepSource: Reviver = (_key, value, context) => {
    if (typeof value !== 'number') return value;
    const source = context?.source ?? String(value);
    return source === String(value) ? value : make(source);
  };
  return parse(text, keepSource, (key, value, context) =>
    isInfinite(value) ? value : keepSource(key, value, context),
  );
}

function isInfinite(value: unknown): boolean {
  return value === Infinity || value === -Infinity;
}

/** One pass, so that a hostile body cannot make it quadratic. Strings are copied untouched. */
function mendNonNumbers(text: string): string {
  let out = '';
  let from = 0;
  while (from < text.length) {
    const quote = text.indexOf('"', from);
    const end = quote === -1 ? text.length : quote;
    out += text.slice(from, end).replaceAll(/-?\b(?:NaN|Infinity)\b/g, toJsonNumber);
    if (quote === -1) break;
    const close = closingQuote(text, quote + 1);
    out += text.slice(quote, close);
    from = close;
  }
  return out;
}

/** 1e999 is a number of RFC 8259 that no double holds: it is read as an infinity. */
function toJsonNumber(word: string): string {
  if (word.endsWith('NaN')) return 'null';
  return word.startsWith('-') ? '-1e999' : '1e999';
}

/** What a text of JSON is like, told without parsing it. Of a text that is no JSON it tells nothing. */
export interface JsonMeasure {
  /** Arrays and objects within each other, at most. */
  readonly depth: number;
  /** Keys as written; one that stands twice in an object counts twice. */
  readonly keys: number;
}

/** One pass over the text; about a nanosecond a character. */
export function measureJson(text: string): JsonMeasure {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) i = closingQuote(text, i + 1) - 1;
    else if (character === COLON) keys += 1;
    else if (character === OPEN_ARRAY || character === OPEN_OBJECT) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (character === CLOSE_ARRAY || character === CLOSE_OBJECT) depth -= 1;
  }
  return { depth: deepest, keys };
}

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Keys in a parsed value: fewer than were written where one stood twice. */
export function countKeys(document: JsonDocument): number {
  if (typeof document !== 'object' || document === null) return 0;
  const rest: object[] = [document];
  let count = 0;
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (!Array.isArray(node)) count += Object.keys(node).length;
    for (const child of Object.values(node)) {
      if (typeof child === 'object' && child !== null) rest.push(child);
    }
  }
  return count;
}

/** Index after the quote that closes a string, or the text's end. */
function closingQuote(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === 0x5c) i += 1;
    else if (character === 0x22) return i + 1;
  }
  return text.length;
}
