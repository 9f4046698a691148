/** Character classes of RFC 9110 5.5, 5.6.2 and RFC 3986 as tables, for scanners that go byte by byte. */

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

/** 1 for each byte of the class. */
export type ByteClass = Uint8Array;

function byteClass(...members: readonly (string | readonly [number, number])[]): ByteClass {
  const table = new Uint8Array(256);
  for (const member of members) {
    if (typeof member === 'string')
      for (const byte of Buffer.from(member, 'latin1')) table[byte] = 1;
    else table.fill(1, member[0], member[1] + 1);
  }
  return table;
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** tchar. */
export const TOKEN: ByteClass = byteClass(ALPHANUMERIC, "!#$%&'*+-.^_`|~");
/** Of a field value: HTAB, SP, VCHAR, obs-text. */
export const VALUE: ByteClass = byteClass([9, 9], [0x20, 0x7e], [0x80, 0xff]);
/** Of a request target: VCHAR. */
export const VISIBLE: ByteClass = byteClass([0x21, 0x7e]);

/**
 * @param lower - ASCII, lower case
 * @returns whether the bytes from `from` to `to` are `lower`, in any case
 */
export function equalsLower(bytes: Buffer, from: number, to: number, lower: string): boolean {
  if (to - from !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[from + i] ?? 0;
    const folded = byte >= 65 && byte <= 90 ? byte + 32 : byte;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** The bytes from `from` to `to` as text, a character a byte. */
export function latin1(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from, to);
}
