/** A tap that rejects: which bytes it finds clear, and what becomes of what stood before the doubt. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segments } from '../support/segments.ts';
import { recordedTap } from './recorded-tap.ts';
import { validExchanges } from './valid-messages.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CUTS = [[1e9], [1], [2, 3, 5, 7]];
const CHUNKED = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';

function push(sink: (bytes: Buffer) => void, text: string, cut: readonly number[]): void {
  for (const piece of segments(Buffer.from(text, 'latin1'), cut)) sink(piece);
}

/** Heads in doubt: no byte of them is clear. */
const HEADS: readonly [name: string, raw: string, reason: string][] = [
  ['CL and TE', `${CHUNKED.slice(0, -2)}Content-Length: 1\r\n\r\n`, 'length_conflict'],
  ['bare LF, no end', 'GET / HTTP/1.1\nHost: h\n\n', 'request_line'],
  ['bare CR, no end', 'GET / HTTP/1.1\r\nHost: h\r\r', 'control_character'],
  ['not HTTP', '\x16\x03\x01', 'request_line'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http2_preface'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n', 'host'],
  ['too long', `GET /${'x'.repeat(5_000)}`, 'head_too_long'],
];

/** Bodies in doubt: what is clear is the beginning of a valid one. */
const BODIES: readonly [name: string, body: string, clear: string, reason: string][] = [
  ['a size with a sign', '+5\r\n', '', 'chunk'],
  ['a size with a prefix', '0x5\r\n', '0', 'chunk'],
  ['a space after the size', '5 \r\n', '5', 'chunk'],
  ['LF after the size', '5\nhello', '5', 'chunk'],
  ['CR alone in a size line', '0\rX\r', '0\r', 'chunk'],
  ['an extension without a name', '5;\r\nhello', '5;', 'chunk'],
  ['NUL in a quoted extension', '5;a="\0"\r\n', '5;a="', 'chunk'],
  ['data longer than its size', '2\r\nabc\r\n', '2\r\nab', 'chunk'],
  ['LF after data', '2\r\nab\n0\r\n\r\n', '2\r\nab', 'chunk'],
  ['a framing field as trailer', '0\r\nHost: x\r\n\r\n', '0\r\nHost', 'trailer'],
  ['a folded trailer', '0\r\na: b\r\n c\r\n\r\n', '0\r\na: b\r\n', 'trailer'],
  ['LF in a trailer', '0\r\na: b\nGET / HTTP/1.1\r\n', '0\r\na: b', 'trailer'],
];

describe('a request in doubt, with rejects', () => {
  it.each(HEADS)('%s: no byte of it is clear', (_, raw, reason) => {
    for (const cut of CUTS) {
      for (const before of ['', GET, GET + GET]) {
        const { tap, refused, opaque, exchanges, cleared } = recordedTap({ rejects: true });
        push((b) => tap.request(b), `${before}${raw}${GET}`, cut);
        expect(refused).toEqual([reason]);
        expect(opaque).toEqual([]);
        expect(cleared()).toBe(before);
        const count = before.length / GET.length;
        expect(exchanges).toHaveLength(count);
        expect(tap.earlierOwed).toBe(count);
        push((b) => tap.answer(b), OK.repeat(count), cut);
        expect(exchanges.every((e) => e.answerEnded)).toBe(true);
        expect(tap.earlierOwed).toBe(0);
      }
    }
  });

  it.each(BODIES)('%s: clear up to there at most', (_, body, clear, reason) => {
    for (const cut of CUTS) {
      const { tap, refused, exchanges, cleared } = recordedTap({ rejects: true });
      push((b) => tap.request(b), `${GET}${CHUNKED}${body}${GET}`, cut);
      expect(refused).toEqual([reason]);
      const passed = cleared();
      // Where head and doubt come in one read, none of it goes on.
      expect(passed.startsWith(GET)).toBe(true);
      expect((GET + CHUNKED + clear).startsWith(passed), JSON.stringify(passed)).toBe(true);
      if (cut[0] === 1) expect(passed).toBe(GET + CHUNKED + clear);
      expect(exchanges[1]?.requestEnded).toBe(false);
      expect(tap.earlierOwed).toBe(1);
      push((b) => tap.answer(b), OK, cut);
      expect(exchanges[0]?.answerEnded).toBe(true);
      expect(tap.earlierOwed).toBe(0);
    }
  });

  it('knows a HEAD, which gets no body', () => {
    for (const cut of CUTS) {
      const { tap } = recordedTap({ rejects: true });
      push((b) => tap.request(b), 'HEAD / HTTP/1.1\r\n\r\n', cut);
      expect(tap.refusedMethod).toBe('HEAD');
    }
  });
});

describe('an upgrade, with rejects', () => {
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n';

  it('holds what follows until it is answered, and clears it with 101', () => {
    const { tap, opaque, cleared } = recordedTap({ rejects: true });
    push((b) => tap.request(b), `${upgrade}\x81\x05hello`, [1]);
    expect(cleared()).toBe(upgrade);
    push((b) => tap.answer(b), 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n', [1]);
    expect(cleared()).toBe(`${upgrade}\x81\x05hello`);
    expect(opaque).toEqual(['upgrade']);
  });

  it('reads what follows where it is refused, and refuses what is in doubt', () => {
    const { tap, refused, cleared } = recordedTap({ rejects: true });
    push((b) => tap.request(b), `${upgrade}${GET}GET / HTTP/1.1\nHost: h\n\n`, [1]);
    expect(cleared()).toBe(upgrade);
    push((b) => tap.answer(b), OK, [1]);
    expect(cleared()).toBe(upgrade + GET);
    expect(refused).toEqual(['request_line']);
  });
});

describe('valid traffic, with rejects', () => {
  it('is clear to the last byte', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(validExchanges, cuts, (exchanges, cut) => {
        const { tap, refused, opaque, cleared } = recordedTap({ rejects: true });
        const all = exchanges.map((e) => e.request).join('');
        push((b) => tap.request(b), all, cut);
        expect([...refused, ...opaque]).toEqual([]);
        expect(cleared()).toBe(all);
      }),
      { numRuns: 200 },
    );
  });
});
