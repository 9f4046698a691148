/**
 * Text of a table's cell that no spreadsheet takes for a formula when the table is opened or pasted there: one that
 * begins like a formula and is no number gets an apostrophe before it.
 * Source: OWASP, "CSV Injection".
 */
export function toInertCell(text: string): string {
  if (!/^\s*[=+@\-\t\r]/.test(text)) return text;
  return NUMBER.test(text) ? text : `'${text}`;
}

const ONE = String.raw`\d[\d,]*(\.\d+)?(e[+-]?\d+)?( ?(%|ms|s|pp|points?))?`;
/** A signed number as reports write it, perhaps with a unit, or two: `-0.5`, `+1,200 ms`, `-3.1 % to 0.2 %`. */
const NUMBER = new RegExp(`^[+-]${ONE}( to [+-]?${ONE})?$`);
