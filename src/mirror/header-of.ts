/**
 * All values of a header, joined: RFC 9110 §5.3.
 *
 * @param name - lower case
 * @returns `''` where there is none
 */
export function headerOf(headers: readonly (readonly [string, string])[], name: string): string {
  let joined = '';
  for (const [header, value] of headers) {
    if (header.length !== name.length || header.toLowerCase() !== name) continue;
    joined = joined === '' ? value : `${joined},${value}`;
  }
  return joined;
}
