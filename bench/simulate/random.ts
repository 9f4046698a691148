/**
 * A seeded generator for tests and simulations: uniform in [0, 1), 32 bits. Not for secrets.
 *
 * Source: sfc32 of PractRand, seeded by splitmix-like mixing; passes its test batteries.
 *
 * @param seed - integer
 */
export function createRandom(seed: number): () => number {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162 + (seed | 0);
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}
