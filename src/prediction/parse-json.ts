/**
 * JSON as model servers write it. Pure.
 */

/** `undefined` stands for "not JSON": no JSON document has that value. */
export type JsonDocument = unknown;

/**
 * Parses a body. Bare `NaN`, `Infinity` and `-Infinity`, which Python's `json.dumps` writes and RFC 8259
 * forbids, are read as `null`: the answer stays readable, and its score is found not to be a number.
 *
 * @param text - a decoded body; its size is the caller's to limit
 * @returns the document, or `undefined` when it is not JSON
 */
export function parseJson(text: string): JsonDocument {
  try {
    return JSON.parse(text);
  } catch {
    if (!text.includes('NaN') && !text.includes('Infinity')) return undefined;
  }
  try {
    return JSON.parse(nullNonNumbers(text));
  } catch {
    return undefined;
  }
}

/**
 * Parses with every number replaced by its source text as a string: for values whose digits must survive,
 * such as an identifier over 2^53.
 *
 * Source: ECMAScript "JSON.parse source text access" (the reviver's `context.source`).
 */
export function parseJsonWithNumberText(text: string): JsonDocument {
  const keepSource = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value;
  try {
    return JSON.parse(text, keepSource);
  } catch {
    return undefined;
  }
}

/** One pass, so that a hostile body cannot make it quadratic. Strings are copied untouched. */
function nullNonNumbers(text: string): string {
  let out = '';
  let from = 0;
  while (from < text.length) {
    const quote = text.indexOf('"', from);
    const end = quote === -1 ? text.length : quote;
    out += text.slice(from, end).replaceAll(/-?\b(?:NaN|Infinity)\b/g, 'null');
    if (quote === -1) break;
    const close = closingQuote(text, quote + 1);
    out += text.slice(quote, close);
    from = close;
  }
  return out;
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
