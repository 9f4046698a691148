/**
 * F-24: messages changed in places where framing hangs. Whatever comes of it, the tap reads what Node's own
 * strict parser reads, or is in doubt; and how the bytes were cut never matters. Counter-examples that were
 * found are kept in `corpus/counter-examples.ndjson`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segments } from '../support/segments.ts';
import { KNOWN_METHODS, readStrictly } from '../support/strict-parser.ts';
import { compare } from './differential/compare.ts';
import { Dice, makeStream } from './differential/streams.ts';
import { recordedTap } from './recorded-tap.ts';

const ends = fc.constantFrom('\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n', '\r\n ', '');
const pieces = fc.oneof(
  ends,
  fc.constantFrom(
    ...[
      'GET / HTTP/1.1',
      'POST /a HTTP/1.1',
      'GET / HTTP/1.0',
      'Host: h',
      'Host : h',
      'A: b',
      ':',
      ' ',
      '\t',
    ],
    ...[
      'Content-Length: 5',
      'Content-Length: 0',
      'Content-Length: +5',
      'Transfer-Encoding: chunked',
    ],
    ...[
      'Transfer-Encoding: xchunked',
      'Connection: close',
      'Expect: 100-continue',
      'Upgrade: x',
      'hello',
    ],
    ...[
      '5',
      '0',
      '0;a',
      '5;a="b"',
      'F',
      '\0',
      '\x0b',
      '\x85',
      '\xff',
      'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
    ],
  ),
);
/** Lines that are put together from pieces, mostly with an end between. */
const assembled = fc
  .array(fc.tuple(pieces, ends), { minLength: 1, maxLength: 14 })
  .map((list) => list.flat().join(''));
/** Valid messages with a few changes. */
const mutated = fc
  .tuple(fc.integer(), fc.array(fc.tuple(fc.nat(400), fc.nat(3), pieces), { maxLength: 3 }))
  .map(([seed, changes]) => {
    const { bytes } = makeStream(new Dice(seed));
    return changes.reduce(
      (text, [at, drop, piece]) => text.slice(0, at) + piece + text.slice(at + drop),
      bytes.toString('latin1'),
    );
  });
const texts = fc.oneof(assembled, mutated);
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
const answers = fc.constantFrom('', '', 'GET', 'HEAD');

function read(text: string, cut: readonly number[], rejects: boolean) {
  const recorded = recordedTap({ rejects });
  for (const piece of segments(Buffer.from(text, 'latin1'), cut)) recorded.tap.request(piece);
  const whole = recorded.exchanges.filter((exchange) => exchange.requestEnded);
  return {
    whole: whole.map(({ request }) => request),
    reasons: [...recorded.opaque, ...recorded.refused],
    cleared: recorded.cleared(),
  };
}

describe('a changed message', () => {
  it('is read as a strict parser reads it, or is in doubt', () => {
    fc.assert(
      fc.property(texts, answers, cuts, (text, method, cut) => {
        const verdict = compare({ bytes: Buffer.from(text, 'latin1'), answers: method, cut });
        expect(verdict).not.toMatch(/^FAULT/);
      }),
      { numRuns: 4_000 },
    );
  });

  it('is read alike however it is cut', () => {
    fc.assert(
      fc.property(texts, cuts, (text, cut) => {
        const whole = read(text, [1e9], false);
        for (const way of [cut, [1]]) {
          const { reasons, whole: requests } = read(text, way, false);
          expect(reasons).toEqual(whole.reasons);
          expect(requests).toEqual(whole.whole);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is clear, with rejects, up to the doubt and never behind it', () => {
    fc.assert(
      fc.property(texts, cuts, (text, cut) => {
        const relayed = read(text, cut, false);
        const { cleared, reasons, whole } = read(text, cut, true);
        expect(text.startsWith(cleared)).toBe(true);
        expect(reasons).toEqual(relayed.reasons);
        expect(whole).toEqual(relayed.whole);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what goes on with rejects', () => {
  it('is no other sequence of requests even to a parser that tolerates everything', () => {
    fc.assert(
      fc.property(texts, cuts, (text, cut) => {
        const { cleared, whole } = read(text, cut, true);
        const bytes = Buffer.from(cleared, 'latin1');
        const { messages, upgrade } = readStrictly(bytes, { lenient: true });
        const cutThere = messages.map(({ from, to }) => cleared.slice(from, to));
        // It knows a list of methods and stops at others, and at an upgrade.
        const known = whole.slice(0, cutThere.length);
        expect(cutThere).toEqual(known);
        const next = whole[cutThere.length];
        if (next !== undefined && !upgrade) {
          expect(KNOWN_METHODS.has(next.split(' ')[0] ?? '')).toBe(false);
        }
      }),
      { numRuns: 4_000 },
    );
  });
});

const FOUND = readFileSync(join(import.meta.dirname, 'corpus/counter-examples.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): { found: string; text: string; answers: string; cut: number[]; verdict: string } =>
    JSON.parse(line),
  );

describe('a counter-example', () => {
  it.each(FOUND)('$found', ({ text, answers: method, cut, verdict }) => {
    expect(compare({ bytes: Buffer.from(text, 'latin1'), answers: method, cut })).toBe(verdict);
  });
});
