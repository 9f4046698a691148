import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeadReader } from '../../src/framing/head-reader.ts';

const SEED = 20_261_126;

/** CR and LF in any order, and little else. */
const soup = fc.array(fc.constantFrom(13, 10, 13, 10, 120), { minLength: 1, maxLength: 24 });

test('finds the first empty line, wherever it stands in one read', () => {
  fc.assert(
    fc.property(soup, fc.nat(4), (bytes, at) => {
      const chunk = Buffer.concat([Buffer.alloc(at, 'y'), Buffer.from(bytes)]);
      const found = chunk.indexOf('\r\n\r\n', at, 'latin1');
      const end = new HeadReader(1_000).feed(chunk, at);
      if (found >= 0) expect(end).toBe(found + 4);
      else expect(end).toBeLessThan(0);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test('a head that ends at its limit is whole, one byte later it is too long', () => {
  const head = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(new HeadReader(head.length).feed(head, 0)).toBe(head.length);
  expect(new HeadReader(head.length - 1).feed(head, 0)).toBeLessThan(0);
});
