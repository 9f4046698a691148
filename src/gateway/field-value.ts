const CRLF = '\r\n';

/**
 * The value of a field in a head whose syntax was checked; values of several lines joined (RFC 9110 5.3), as
 * the mirror reads it from the copy.
 *
 * @param bytes - begin with a whole request head
 * @param name - lower case
 * @returns an empty text where there is none
 */
export function fieldValue(bytes: Buffer, name: string): string {
  const head = bytes.toString('latin1', 0, bytes.indexOf('\r\n\r\n') + CRLF.length);
  let joined = '';
  for (let from = head.indexOf(CRLF) + CRLF.length; from < head.length; ) {
    const end = head.indexOf(CRLF, from);
    const isNamed = head.charCodeAt(from + name.length) === 58; // the colon
    if (isNamed && head.slice(from, from + name.length).toLowerCase() === name) {
      const value = head.slice(from + name.length + 1, end).replace(/^[ \t]+|[ \t]+$/g, '');
      joined = joined === '' ? value : `${joined},${value}`;
    }
    from = end + CRLF.length;
  }
  return joined;
}
