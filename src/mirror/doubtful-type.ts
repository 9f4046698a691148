/** Whether a body that is JSON in UTF-8 may be read as something else, since its Content-Type says so. Pure. */

/** What has places of another kind than JSON: RFC 2046 §5.1, and forms of HTML. */
const OTHER_PLACES = /\bx-www-form-urlencoded|\bmultipart\//i;

/** Each parameter of that name; `*` before the `=` would give it in another notation (RFC 8187), or in parts (RFC 2231). */
const CHARSET = /charset([\s*\d]*)=\s*"?([^\s";,]*)/gi;

/** In which ASCII is ASCII, and the rest is UTF-8. */
const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

/** @param contentType - all values of the header, joined; `''` where there is none, which is not doubtful */
export function isDoubtfulType(contentType: string): boolean {
  if (OTHER_PLACES.test(contentType)) return true;
  for (const [, mark = '', charset = ''] of contentType.matchAll(CHARSET)) {
    if (mark.includes('*') || !CHARSETS.has(charset.toLowerCase())) return true;
  }
  return false;
}
