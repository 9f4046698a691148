import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeContent } from '../../src/mirror/content-coding.ts';

const CODINGS: [string, (body: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['identity', (body) => body],
  ['', (body) => body],
];

const within = (maxBytes: number) => ({ maxBytes, maxRatio: 100 });

describe('decodeContent', () => {
  it('undoes any sequence of up to three codings', () => {
    const codings = fc.array(fc.constantFrom(...CODINGS.slice(0, -1)), { maxLength: 3 });
    fc.assert(
      fc.property(codings, fc.uint8Array({ minLength: 1, maxLength: 2_000 }), (chosen, bytes) => {
        const plain = Buffer.from(bytes);
        const coded = chosen.reduce<Buffer>((body, [, encode]) => encode(body), plain);
        const encoding = chosen.map(([name]) => name).join(' , ');
        expect(decodeContent(coded, encoding, within(2_000))).toEqual({ body: plain });
      }),
    );
  });

  it.each(CODINGS)('takes a body at the limit and none over it (%s)', (coding, encode) => {
    const body = encode(Buffer.alloc(5_000, 'x'));
    expect(decodeContent(body, coding, within(5_000))).toEqual({ body: Buffer.alloc(5_000, 'x') });
    expect(decodeContent(body, coding, within(4_999))).toEqual({ error: 'too_large' });
  });

  it.each(['compress', 'gzip;q=1', '__proto__', 'constructor', ',', 'gzip,'])(
    'does not know %j',
    (coding) => {
      expect(decodeContent(Buffer.from('x'), coding, within(100))).toEqual({ error: 'encoding' });
    },
  );

  it.each(['gzip', 'deflate', 'br', 'zstd'])('never throws on hostile %s', (coding) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const decoded = decodeContent(Buffer.from(bytes), coding, within(1_000));
        if ('body' in decoded) expect(decoded.body.length).toBeLessThanOrEqual(1_000);
      }),
    );
  });

  it.each(CODINGS.slice(0, 7))(
    'reads nothing that goes on behind its end (%s)',
    (coding, encode) => {
      for (const tail of [Buffer.from('{}'), zstdCompressSync('{}'), Buffer.alloc(3)]) {
        const body = Buffer.concat([encode(Buffer.from('{}')), tail]);
        expect(decodeContent(body, coding, within(100))).toEqual({ error: 'encoding' });
      }
    },
  );

  it('reads all members of a gzip body', () => {
    const body = Buffer.concat([gzipSync('{"a"'), gzipSync(':1}')]);
    expect(decodeContent(body, 'gzip', within(100))).toEqual({ body: Buffer.from('{"a":1}') });
  });

  it.each(CODINGS.slice(0, 7))('lets no body grow a thousandfold (%s)', (coding, encode) => {
    const plain = Buffer.alloc(4_000_000);
    const body = encode(plain);
    const limits = { maxBytes: 8_000_000, maxRatio: plain.length / body.length };
    expect(decodeContent(body, coding, limits)).toEqual({ body: plain });
    const less = { maxBytes: 8_000_000, maxRatio: limits.maxRatio / 2 };
    expect(decodeContent(body, coding, less)).toEqual({ error: 'ratio' });
    expect(decodeContent(body, coding, { ...less, maxBytes: 70_000 })).toEqual({
      error: (limits.maxRatio / 2) * body.length < 70_000 ? 'ratio' : 'too_large',
    });
  });

  it('lets a small body have any ratio', () => {
    const plain = Buffer.alloc(60_000);
    const limits = { maxBytes: 8_000_000, maxRatio: 1 };
    expect(decodeContent(gzipSync(plain), 'gzip', limits)).toEqual({ body: plain });
  });

  it('leaves an empty body alone, whatever it is said to be: HEAD, 204, 304', () => {
    expect(decodeContent(Buffer.alloc(0), 'gzip', within(100))).toEqual({ body: Buffer.alloc(0) });
  });
});
