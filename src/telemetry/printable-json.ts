/** JSON that can be shown anywhere: what came from callers, models and operators cannot drive a terminal. */

/** What a terminal or a reader of lines may obey: controls but line ends, other ends of lines, turns of direction. */
export const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * @param json - as `JSON.stringify` makes it: then these stand in strings alone
 * @returns the same with those characters escaped, and so without a change of its meaning
 */
export function escapeUnprintable(json: string): string {
  return json.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @param indent - spaces; 0: one line */
export function toPrintableJson(value: unknown, indent: 0 | 2 = 0): string {
  return escapeUnprintable(JSON.stringify(value, null, indent));
}
