import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segments } from '../support/segments.ts';
import { recordedTap } from './recorded-tap.ts';
import { type ValidExchange, validExchanges } from './valid-messages.ts';

const cuts = fc.oneof(
  fc.constant([1]),
  fc.constant([1e9]),
  fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20, size: 'max' }),
);

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function pushAll(sink: (bytes: Buffer) => void, text: string, cut: readonly number[]): void {
  for (const piece of segments(latin1(text), cut)) sink(piece);
}

function expected(exchange: ValidExchange) {
  const { request, answer, status } = exchange;
  return { request, answer, status, requestEnded: true, answerEnded: true };
}

describe('ConnectionTap on valid traffic', () => {
  it('cuts pipelined requests and their answers exactly, at any segmentation', () => {
    fc.assert(
      fc.property(validExchanges, cuts, cuts, (exchanges, requestCut, answerCut) => {
        const { tap, exchanges: seen, opaque } = recordedTap();
        pushAll((b) => tap.request(b), exchanges.map((e) => e.request).join(''), requestCut);
        pushAll(
          (b) => tap.answer(b),
          exchanges.map((e) => e.interim + e.answer).join(''),
          answerCut,
        );
        tap.answerEof();
        expect(opaque).toEqual([]);
        expect(seen.map(({ head: _, ...rest }) => rest)).toEqual(exchanges.map(expected));
        expect(tap.idle).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('cuts them just so when each answer begins before its request is complete', () => {
    fc.assert(
      fc.property(validExchanges, cuts, (exchanges, cut) => {
        const { tap, exchanges: seen, opaque } = recordedTap();
        for (const { request, interim, answer } of exchanges) {
          const headEnd = request.indexOf('\r\n\r\n') + 4;
          pushAll((b) => tap.request(b), request.slice(0, headEnd), cut);
          pushAll((b) => tap.answer(b), interim + answer, cut);
          pushAll((b) => tap.request(b), request.slice(headEnd), cut);
        }
        tap.answerEof();
        expect(opaque).toEqual([]);
        expect(seen.map(({ head: _, ...rest }) => rest)).toEqual(exchanges.map(expected));
      }),
      { numRuns: 200 },
    );
  });
});

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('ConnectionTap', () => {
  it('reads what a head says', () => {
    const { tap, exchanges } = recordedTap();
    const head =
      'POST /v1/score?x=1 HTTP/1.1\r\nhost: a:80\r\nEXPECT: 100-Continue\r\nX-Mark:\r\n' +
      'content-LENGTH:\t 005 \r\n\r\n';
    tap.request(latin1(`${head}12345`));
    expect(exchanges[0]?.head).toEqual({
      method: 'POST',
      target: '/v1/score?x=1',
      minor: 1,
      upgrade: false,
      expectContinue: true,
      close: false,
      watched: true,
      headBytes: head.length,
      bodyBytes: 5,
    });
    expect(exchanges[0]?.requestEnded).toBe(true);
  });

  it('turns opaque on 101, and never again looks at either direction', () => {
    const { tap, exchanges, opaque } = recordedTap();
    tap.request(latin1('GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n'));
    expect(exchanges[0]?.head.upgrade).toBe(true);
    tap.answer(latin1('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x05hello'));
    tap.request(latin1('\x81\x85garbage'));
    tap.answer(latin1(OK));
    expect(opaque).toEqual(['upgrade']);
  });

  it('turns opaque on CONNECT with 2xx, and goes on after a refused one', () => {
    const connect = 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n';
    const accepted = recordedTap();
    accepted.tap.request(latin1(connect));
    accepted.tap.answer(latin1('HTTP/1.1 200 OK\r\n\r\n'));
    expect(accepted.opaque).toEqual(['upgrade']);

    const refused = recordedTap();
    refused.tap.request(latin1(connect + GET));
    expect(refused.exchanges).toHaveLength(1);
    refused.tap.answer(latin1(`HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n`));
    expect(refused.exchanges).toHaveLength(2);
    refused.tap.answer(latin1(OK));
    expect(refused.exchanges.map((e) => e.status)).toEqual([405, 200]);
    expect(refused.opaque).toEqual([]);
  });

  it('follows an upgrade that the incumbent ignores, with requests pipelined behind it', () => {
    const { tap, exchanges, opaque } = recordedTap();
    tap.request(latin1(`GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n${GET.slice(0, 9)}`));
    tap.request(latin1(GET.slice(9)));
    tap.answer(latin1(OK));
    tap.answer(latin1(OK));
    expect(exchanges.map((e) => e.answer)).toEqual([OK, OK]);
    expect(opaque).toEqual([]);
  });

  it('ignores one empty line before a request, which is no part of it', () => {
    for (const cut of [[1e9], [1], [3]]) {
      const { tap, exchanges, opaque, cleared } = recordedTap();
      pushAll((b) => tap.request(b), `\r\n${GET}\r\n${GET}`, cut);
      expect(exchanges.map((e) => e.request)).toEqual([GET, GET]);
      expect(cleared()).toBe(`\r\n${GET}\r\n${GET}`);
      expect(opaque).toEqual([]);
    }
  });

  it('sees an expectation among others, and in any of the fields', () => {
    for (const lines of ['x, 100-Continue', '100-continue\r\nExpect: x']) {
      const { tap, exchanges } = recordedTap();
      tap.request(latin1(`PUT / HTTP/1.1\r\nHost: h\r\nExpect: ${lines}\r\n\r\n`));
      expect(exchanges[0]?.head.expectContinue).toBe(true);
    }
  });

  it('waits for 100, and follows the body whether or not the caller waited', () => {
    const head = 'PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n';
    const waited = recordedTap();
    waited.tap.request(latin1(head));
    waited.tap.answer(latin1('HTTP/1.1 100 Continue\r\n\r\n'));
    waited.tap.request(latin1(`abc${GET}`));
    waited.tap.answer(latin1(OK + OK));
    expect(waited.exchanges.map((e) => e.answer)).toEqual([OK, OK]);
    expect(waited.opaque).toEqual([]);

    const hasty = recordedTap();
    hasty.tap.request(latin1(`${head}a`));
    hasty.tap.answer(latin1(OK));
    hasty.tap.request(latin1('bc'));
    expect(hasty.exchanges[0]).toMatchObject({ request: `${head}abc`, answer: OK });
    expect(hasty.opaque).toEqual([]);
  });

  it('does not guess what follows a final answer to a body that was withheld', () => {
    const { tap, exchanges, opaque } = recordedTap();
    tap.request(
      latin1('PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'),
    );
    tap.answer(latin1('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'));
    expect(exchanges[0]).toMatchObject({ answerEnded: true, requestEnded: false });
    expect(opaque).toEqual([]);
    tap.request(latin1(GET));
    expect(opaque).toEqual(['expect']);
  });

  it('ignores an expectation of HTTP/1.0', () => {
    const { tap, exchanges } = recordedTap();
    tap.request(latin1('PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na'));
    expect(exchanges[0]?.head.expectContinue).toBe(false);
    expect(exchanges[0]?.requestEnded).toBe(true);
  });

  it('ends a close-delimited answer with the connection and not before', () => {
    const { tap, exchanges } = recordedTap();
    tap.request(latin1(GET));
    tap.answer(latin1('HTTP/1.1 200 OK\r\n\r\nabc'));
    expect(exchanges[0]?.answerEnded).toBe(false);
    tap.answerEof();
    expect(exchanges[0]).toMatchObject({ answerEnded: true });
    expect(exchanges[0]?.answer.endsWith('abc')).toBe(true);
  });

  it('leaves a cut answer open at the end of the connection', () => {
    const { tap, exchanges } = recordedTap();
    tap.request(latin1(GET));
    tap.answer(latin1(OK.slice(0, -1)));
    tap.answerEof();
    expect(exchanges[0]?.answerEnded).toBe(false);
  });

  it('frames 205 by its length, and has no doubt only where it is empty', () => {
    for (const [answer, reasons] of [
      ['HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n', []],
      ['HTTP/1.1 205 R\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', []],
      ['HTTP/1.1 205 R\r\nContent-Length: 2\r\n\r\nok', ['reset_content']],
    ] as const) {
      const { tap, opaque, exchanges } = recordedTap();
      tap.request(latin1(GET));
      tap.answer(latin1(answer));
      expect(opaque).toEqual(reasons);
      expect(exchanges[0]?.answerEnded).toBe(reasons.length === 0);
    }
  });

  it('takes as many requests without an answer as the limit says', () => {
    const { tap, opaque, exchanges } = recordedTap({ maxPipelined: 3 });
    tap.request(latin1(GET.repeat(3)));
    expect(opaque).toEqual([]);
    tap.request(latin1(GET));
    expect(opaque).toEqual(['pipelined']);
    expect(exchanges).toHaveLength(3);
  });

  it('takes a head of the limit and none longer, however it is cut', () => {
    const head = (bytes: number) => `${GET.slice(0, -2)}a: ${'x'.repeat(bytes - 32)}\r\n\r\n`;
    for (const cut of [[1], [1e9], [63]]) {
      const fits = recordedTap({ maxHeadBytes: 100 });
      pushAll((b) => fits.tap.request(b), head(100), cut);
      expect(fits.exchanges[0]?.head.headBytes).toBe(100);
      const tooLong = recordedTap({ maxHeadBytes: 100 });
      pushAll((b) => tooLong.tap.request(b), head(101), cut);
      expect(tooLong.opaque).toEqual(['head_too_long']);
    }
  });

  it('does not keep what follows an upgrade request without a limit', () => {
    const { tap, opaque } = recordedTap({ maxHeadBytes: 100 });
    tap.request(latin1('GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n'));
    tap.request(Buffer.alloc(100));
    expect(opaque).toEqual([]);
    tap.request(Buffer.alloc(1));
    expect(opaque).toEqual(['upgrade_pending']);
  });

  it('costs linear time where a long head comes byte by byte', () => {
    const { tap, exchanges } = recordedTap({ maxHeadBytes: 1e6 });
    const long = `${GET.slice(0, -2)}a: ${'x'.repeat(500_000)}\r\n\r\n`;
    pushAll((b) => tap.request(b), long, [1]);
    expect(exchanges).toHaveLength(1);
  });
});
