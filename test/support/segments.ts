/** Ways to cut bytes: what arrives in one read must never matter. */

/** The bytes in pieces of the given sizes, repeated to the end. Each piece is a copy. */
export function segments(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? bytes.length);
    pieces.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
}
