import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepeatedTexts } from '../../src/framing/repeated-texts.ts';

test('gives what is made of the bytes, whatever was read before', () => {
  const texts = new RepeatedTexts((raw) => raw.toLowerCase());
  // Few characters and lengths: places are shared, and texts come again.
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 70 });
  const alike = fc.array(fc.constantFrom(0x41, 0x61, 0xc0, 0xff), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, alike), { maxLength: 40 }), (pieces) => {
      for (const piece of pieces) {
        const buffer = Buffer.concat([Buffer.from('<'), Buffer.from(piece), Buffer.from('>')]);
        const read = texts.read(buffer, 1, buffer.length - 1);
        expect(read).toBe(Buffer.from(piece).toString('latin1').toLowerCase());
      }
    }),
  );
});

test('makes a text that comes again only once', () => {
  let made = 0;
  const texts = new RepeatedTexts((raw) => {
    made += 1;
    return raw;
  });
  for (let i = 0; i < 3; i += 1) texts.read(Buffer.from('xx/v1/score'), 2, 11);
  expect(made).toBe(1);
});

test('does not keep long texts', () => {
  let made = 0;
  const texts = new RepeatedTexts((raw) => {
    made += 1;
    return raw;
  });
  const long = Buffer.alloc(65, 'x');
  texts.read(long, 0, 65);
  texts.read(long, 0, 65);
  expect(made).toBe(2);
});
