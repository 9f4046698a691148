/** What cannot be framed without doubt. Cases F-nn, as in the table of the design's promises. */
import { describe, expect, it } from 'vitest';
import type { OpaqueReason } from '../../src/framing/opaque-reasons.ts';
import { segments } from '../support/segments.ts';
import { recordedTap } from './recorded-tap.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function request(fields: string, body = '12345'): string {
  return `POST / HTTP/1.1\r\nHost: h\r\n${fields}\r\n${body}`;
}
function chunks(body: string): string {
  return request('Transfer-Encoding: chunked\r\n', body);
}
function line(text: string): string {
  return `${text}\r\nHost: h\r\n\r\n`;
}

const REQUESTS: readonly [name: string, raw: string, reason: OpaqueReason][] = [
  [
    'F-01 CL and TE',
    request('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'),
    'length_conflict',
  ],
  [
    'F-01 TE and CL',
    request('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'),
    'length_conflict',
  ],
  ['F-02 equal CLs', request('Content-Length: 5\r\nContent-Length: 5\r\n'), 'content_length'],
  ['F-03 different CLs', request('Content-Length: 5\r\nContent-Length: 6\r\n'), 'content_length'],
  ['F-04 a list', request('Content-Length: 5, 5\r\n'), 'content_length'],
  ...['+5', '-5', '-0', '0x5', '0o5', '1_0', '5 5', '', 'abc', '5'.repeat(30), '5\xa0'].map(
    (length): [string, string, OpaqueReason] => [
      `F-05 CL ${length}`,
      request(`Content-Length: ${length}\r\n`),
      'content_length',
    ],
  ),
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    ',chunked',
    'chunked,',
    '',
    '"chunked"',
    'chunked;q=1',
    'gzip, chunked',
    'chunked\xa0',
    'chunked\x85',
  ].map((coding): [string, string, OpaqueReason] => [
    `F-06 TE ${coding}`,
    request(`Transfer-Encoding: ${coding}\r\n`),
    'transfer_encoding',
  ]),
  ...['\x0b', '\x0c', '\x00'].map((control): [string, string, OpaqueReason] => [
    `F-06 TE with a control character ${control.charCodeAt(0)}`,
    request(`Transfer-Encoding: ${control}chunked\r\n`),
    'control_character',
  ]),
  [
    'F-06 TE twice',
    request('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
    'transfer_encoding',
  ],
  ['F-07 space before colon', request('Content-Length : 5\r\n'), 'space_before_colon'],
  ['F-07 tab before colon', request('Content-Length\t: 5\r\n'), 'space_before_colon'],
  ['F-08 obs-fold', request('A: b\r\n c\r\n'), 'obs_fold'],
  ['F-08 obs-fold in the first field', 'GET / HTTP/1.1\r\n Host: h\r\n\r\n', 'obs_fold'],
  [
    'F-09 TE on HTTP/1.0',
    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'transfer_encoding',
  ],
  ...[
    '0x5',
    '+5',
    '-5',
    ' 5',
    '5 ',
    '1_0',
    '5;',
    '1'.repeat(17),
    '',
    'g',
    '5;=a',
    '5; a',
    '5;a="',
  ].map((size): [string, string, OpaqueReason] => [
    `F-10 chunk size ${size}`,
    chunks(`${size}\r\n12345\r\n0\r\n\r\n`),
    'chunk',
  ]),
  ['F-11 long extension', chunks(`5;${'a'.repeat(65_536)}\r\n12345\r\n0\r\n\r\n`), 'head_too_long'],
  ['F-12 data longer than size', chunks('5\r\n123456\r\n0\r\n\r\n'), 'chunk'],
  ['F-12 missing CRLF', chunks('5\r\n123450\r\n\r\n'), 'chunk'],
  ['F-12 LF after data', chunks('5\r\n12345\n0\r\n\r\n'), 'chunk'],
  ['F-13 LF after size', chunks('5\n12345\r\n0\r\n\r\n'), 'chunk'],
  ['F-13 CR in size', chunks('5\r\r\n12345\r\n0\r\n\r\n'), 'chunk'],
  ['F-13 bare LF in a head', 'GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n', 'control_character'],
  ['F-13 bare LF after the request line', 'GET / HTTP/1.1\nHost: h\r\n\r\n', 'request_line'],
  ['F-13 bare CR in a value', request('A: b\rc\r\n'), 'control_character'],
  ['F-15 NUL in a value', request('A: b\x00c\r\n'), 'control_character'],
  ['F-15 NUL in a name', request('A\x00: b\r\n'), 'control_character'],
  ['F-15 \\x85 in a name', request('A\x85: b\r\n'), 'field'],
  ['F-15 \\xa0 in a name', request('A\xa0: b\r\n'), 'field'],
  ['F-15 DEL in a value', request('A: \x7f\r\n'), 'control_character'],
  ['F-16 no colon', request('A\r\n'), 'field'],
  ['F-16 empty name', request(': b\r\n'), 'field'],
  ['F-17 no Host', 'GET / HTTP/1.1\r\n\r\n', 'host'],
  ['F-17 two Hosts', 'GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n', 'host'],
  ['F-17 a list of Hosts', 'GET / HTTP/1.1\r\nHost: h, i\r\n\r\n', 'host'],
  ['F-17 a comma in Host', 'GET / HTTP/1.1\r\nHost: h,i\r\n\r\n', 'host'],
  ['F-17 user info in Host', 'GET / HTTP/1.1\r\nHost: a@h\r\n\r\n', 'host'],
  ['F-18 another absolute target', 'GET http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n', 'host'],
  ['F-18 user info in the target', line('GET http://u@h/ HTTP/1.1'), 'target'],
  ['F-19 @evil', line('GET @evil HTTP/1.1'), 'target'],
  ['F-19 * with GET', line('GET * HTTP/1.1'), 'target'],
  ['F-19 a target without a slash', line('GET index HTTP/1.1'), 'target'],
  ['U-02 CONNECT with a path', line('CONNECT / HTTP/1.1'), 'target'],
  [
    'U-02 CONNECT with content',
    `${line('CONNECT h:1 HTTP/1.1').slice(0, -2)}Content-Length: 1\r\n\r\n`,
    'length_conflict',
  ],
  ['U-04 prior-knowledge h2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http2_preface'],
  ['another version', line('GET / HTTP/1.2'), 'version'],
  ['another version', line('GET / HTTP/2.0'), 'version'],
  ['HTTP/0.9', line('GET /'), 'request_line'],
  ['two spaces', line('GET  / HTTP/1.1'), 'request_line'],
  ['a space after the version', line('GET / HTTP/1.1 '), 'request_line'],
  ['a lower-case version', line('GET / http/1.1'), 'request_line'],
  ['two leading empty lines', `\r\n\r\n${GET}`, 'request_line'],
  ['a leading CR', `\r${GET}`, 'request_line'],
  ['a leading LF', `\n${GET}`, 'request_line'],
  ['a request without an end, with LF alone', 'GET / HTTP/1.1\nHost: h\n\n', 'request_line'],
  [
    'a request without an end, with CR alone',
    'GET / HTTP/1.1\r\nHost: h\r\rX',
    'control_character',
  ],
  ['a high byte in the target', line('GET /\xe9 HTTP/1.1'), 'request_line'],
  ['a method with a colon', line('GE:T / HTTP/1.1'), 'request_line'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'request_line'],
  ['a framing field as trailer', chunks('0\r\nContent-Length: 1\r\n\r\n'), 'trailer'],
  ['a folded trailer', chunks('0\r\nA: b\r\n c\r\n\r\n'), 'trailer'],
  ['too long trailers', chunks(`0\r\n${'a: bbbbbbbb\r\n'.repeat(400)}\r\n`), 'head_too_long'],
];

const ANSWERS: readonly [name: string, raw: string, reason: OpaqueReason][] = [
  [
    'CL and TE',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n',
    'length_conflict',
  ],
  [
    'two CLs',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    'content_length',
  ],
  ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', 'transfer_encoding'],
  [
    'TE on HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'transfer_encoding',
  ],
  ['another version', 'HTTP/2 200 OK\r\n\r\n', 'version'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'status_line'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'status_line'],
  ['a status over 599', 'HTTP/1.1 600 OK\r\n\r\n', 'status_line'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'status_line'],
  ['garbage', 'SSH-2.0-OpenSSH\r\n', 'status_line'],
  ['a bare LF', 'HTTP/1.1 200 OK\nA: b\r\n\r\n', 'status_line'],
  ['an obs-fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'obs_fold'],
  ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n', 'chunk'],
  ['a too long head', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(5_000)}\r\n\r\n`, 'head_too_long'],
  ['more than was asked for', `${OK}more`, 'unexpected_answer'],
  ['content after 204', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok', 'unexpected_answer'],
  ['a head without an end, with LF alone', 'HTTP/1.1 200 OK\r\nA: b\n\n', 'control_character'],
  ['an unasked 101', 'HTTP/1.1 101 Switching\r\n\r\n', 'upgrade'],
];

const CUTS = [[1e9], [1], [2, 3, 5, 7]];

describe('a request in doubt', () => {
  it.each(REQUESTS)('%s: opaque from there on', (_, raw, reason) => {
    for (const cut of CUTS) {
      for (const before of ['', GET + GET]) {
        const { tap, opaque, exchanges } = recordedTap();
        const stream = before + raw + GET;
        for (const piece of segments(Buffer.from(stream, 'latin1'), cut)) tap.request(piece);
        expect(opaque, `cut ${cut}, ${before.length} bytes before`).toEqual([reason]);
        const whole = exchanges.filter((exchange) => exchange.requestEnded);
        expect(whole.map((exchange) => exchange.request).join('')).toBe(before);
      }
    }
  });
});

describe('a request that comes after one that ends the connection', () => {
  const closing = [
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: a, close\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
  ];
  it.each(closing.map((raw) => [raw]))('%j: is in doubt', (raw) => {
    const { tap, opaque, exchanges } = recordedTap();
    tap.request(Buffer.from(`${raw}\r\n`));
    expect(opaque).toEqual([]);
    tap.request(Buffer.from('G'));
    expect(opaque).toEqual(['after_close']);
    expect(exchanges).toHaveLength(1);
  });

  it('is none after HTTP/1.0 with keep-alive', () => {
    const { tap, opaque } = recordedTap();
    tap.request(Buffer.from('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n'.repeat(2)));
    expect(opaque).toEqual([]);
  });
});

describe('an answer in doubt', () => {
  it.each(ANSWERS)('%s: opaque from there on', (_, raw, reason) => {
    for (const cut of CUTS) {
      const { tap, opaque } = recordedTap();
      tap.request(Buffer.from(GET));
      for (const piece of segments(Buffer.from(raw, 'latin1'), cut)) tap.answer(piece);
      expect(opaque, `cut ${cut}`).toEqual([reason]);
    }
  });

  it('an interim answer to HTTP/1.0 is in doubt', () => {
    const { tap, opaque } = recordedTap();
    tap.request(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    tap.answer(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'));
    expect(opaque).toEqual(['interim']);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok'],
    ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ])('an answer after one that ends the connection is in doubt', (last) => {
    const { tap, opaque, exchanges } = recordedTap();
    tap.request(Buffer.from(GET + GET));
    tap.answer(Buffer.from(last));
    expect(exchanges[0]).toMatchObject({ answer: last, answerEnded: true });
    expect(opaque).toEqual([]);
    tap.answer(Buffer.from(OK));
    expect(opaque).toEqual(['after_close']);
  });

  it('an answer before any request is in doubt', () => {
    const { tap, opaque } = recordedTap();
    tap.answer(Buffer.from(OK));
    expect(opaque).toEqual(['unexpected_answer']);
  });

  it('a chunked answer to an HTTP/1.0 request is in doubt', () => {
    const { tap, opaque } = recordedTap();
    tap.request(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    tap.answer(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'));
    expect(opaque).toEqual(['transfer_encoding']);
  });
});
