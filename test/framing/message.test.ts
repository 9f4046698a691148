import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnswer, parseRequest } from '../../src/framing/message.ts';
import { validExchanges } from './valid-messages.ts';

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

describe('parseRequest', () => {
  it('gives method, target, every field as sent, and the body', () => {
    const raw =
      'POST /v1/score?x=%20 HTTP/1.1\r\nHost: h\r\nX-A:  one \r\nx-a:\t\r\n' +
      'Content-Length: 4\r\n\r\n\r\n\r\n';
    expect(parseRequest(latin1(raw))).toEqual({
      method: 'POST',
      target: '/v1/score?x=%20',
      version: '1.1',
      headers: [
        ['Host', 'h'],
        ['X-A', 'one'],
        ['x-a', ''],
        ['Content-Length', '4'],
      ],
      body: latin1('\r\n\r\n'),
    });
  });

  it('decodes chunked, extensions and trailers left out', () => {
    const head = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    const parsed = parseRequest(latin1(`${head}3;a="\\""\r\nabc\r\n02\r\nde\r\n0\r\nT: v\r\n\r\n`));
    expect(parsed?.body.toString()).toBe('abcde');
  });

  it('is null for less, more or anything in doubt', () => {
    const raw = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n';
    for (const text of ['', raw, `${raw}1`, `${raw}123`, `${raw.replace('Host: h\r\n', '')}12`]) {
      expect(parseRequest(latin1(text)), JSON.stringify(text)).toBeNull();
    }
    const chunked = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const text of ['', '1\r\na\r\n', '1\r\na\r\n0\r\n\r\nx', 'x\r\n']) {
      expect(parseRequest(latin1(chunked + text)), JSON.stringify(text)).toBeNull();
    }
  });
});

describe('parseAnswer', () => {
  it('gives status, reason, fields and body', () => {
    const raw = 'HTTP/1.1 299 My \xe9 reason\r\nA: b\r\nContent-Length: 2\r\n\r\nok';
    expect(parseAnswer(latin1(raw), 'GET')).toEqual({
      status: 299,
      reason: 'My \xe9 reason',
      version: '1.1',
      headers: [
        ['A', 'b'],
        ['Content-Length', '2'],
      ],
      body: latin1('ok'),
    });
  });

  it('knows an empty reason, HEAD, 304 and close-delimited', () => {
    expect(parseAnswer(latin1('HTTP/1.1 200 \r\n\r\nabc'), 'GET')).toMatchObject({
      reason: '',
      body: latin1('abc'),
    });
    expect(parseAnswer(latin1('HTTP/1.1 200\r\n\r\nabc'), 'GET')?.reason).toBe('');
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n';
    expect(parseAnswer(latin1(head), 'HEAD')?.body).toHaveLength(0);
    expect(parseAnswer(latin1(head), 'GET')).toBeNull();
    expect(
      parseAnswer(latin1('HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n'), 'GET'),
    ).not.toBeNull();
  });
});

describe('both', () => {
  it('read every valid message', () => {
    fc.assert(
      fc.property(validExchanges, (exchanges) => {
        for (const { request, answer, status } of exchanges) {
          const parsed = parseRequest(latin1(request));
          expect(parsed).not.toBeNull();
          expect(parseAnswer(latin1(answer), parsed?.method ?? '')?.status).toBe(status);
        }
      }),
    );
  });
});
