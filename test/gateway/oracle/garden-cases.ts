/**
 * Faults of servers and proxies that narfindustries/http-garden found (its TROPHIES.md, by number: `s` of a
 * server, `p` of a proxy, `x` of neither). That text is under the GPL and none of it is here: each case
 * was written anew from what the fault is, with bytes of our own.
 */
import type { OracleCase } from './case.ts';

type Row = readonly [fault: string, request: string, doubt: string, extra?: Partial<OracleCase>];

const HOST = 'Host: shop.test\r\n';
const TE = 'Transfer-Encoding: chunked\r\n';
const NEXT = `GET /next HTTP/1.1\r\n${HOST}\r\n`;

function get(fields: string, rest = ''): string {
  return `GET /basket HTTP/1.1\r\n${HOST}${fields}\r\n${rest}`;
}
function put(fields: string, rest = ''): string {
  return `PUT /basket HTTP/1.1\r\n${HOST}${fields}\r\n${rest}`;
}
const VALID = { clear: 1 } as const;
const NODE = { node: 'takes it' } as const;

const ROWS: Readonly<Record<string, Row>> = {
  s01: [
    'chunk sizes read as a language reads its integers',
    put(TE, `1_6\r\n${'x'.repeat(22)}\r\n0\r\n\r\n`),
    'chunk',
  ],
  s02: ['NUL and CR kept in a value', get('Note: a\x00b\rc\r\n'), 'control_character'],
  s03: [
    'white space cut off the end of a name',
    get('Content-Length : 3\r\n', 'abc'),
    'space_before_colon',
  ],
  s04: [
    'white space cut off the start of the first name',
    `GET /basket HTTP/1.1\r\n\tHost: shop.test\r\n\r\n`,
    'obs_fold',
  ],
  s05: [
    'a version read up to what is valid',
    `GET /basket HTTP/1.17\r\n${HOST}\r\n`,
    'request_line',
  ],
  s06: [
    'a method read up to what is valid',
    `GET(x) /basket HTTP/1.1\r\n${HOST}\r\n`,
    'request_line',
  ],
  s07: ['any target taken', `GET #basket HTTP/1.1\r\n${HOST}\r\n`, 'target'],
  s08: ['a byte beyond ASCII in a name', get('\xeeNote: a\r\n'), 'field'],
  s09: ['LF between target and version', `GET /basket\nHTTP/1.1\r\n${HOST}\r\n`, 'request_line'],
  s10: [
    'lengths read as a language reads its integers',
    put('Content-Length: +0_3\r\n', 'abc'),
    'content_length',
  ],
  s11: [
    'chunked said twice and no body read',
    put(TE + TE, '3\r\nabc\r\n0\r\n\r\n'),
    'transfer_encoding',
  ],
  s12: [
    'no-break space and next line cut off a value',
    put('Transfer-Encoding: \x85chunked\xa0\r\n', '0\r\n\r\n'),
    'transfer_encoding',
  ],
  s13: ['CR ends a field', get('Seen: a\rHidden: b\r\n'), 'control_character'],
  s14: ['ASCII that is no token in a name', get('a;b/c[d]: e\r\n'), 'field'],
  s15: ['CRs within a version', `GET /basket HTTP/1\r.\r1\r\n${HOST}\r\n`, 'request_line'],
  s16: ['an empty length taken for 0', get('Content-Length:\t\r\n'), 'content_length'],
  s17: ['an empty chunk size taken for 0', put(TE, '\r\n\r\n'), 'chunk'],
  s18: ['an empty name taken', get(': nobody\r\n'), 'field'],
  s19: ['LFs taken for white space before a value', get(`Note:\n\n${NEXT}`), 'control_character'],
  s20: ['next line cut off the end of a name', put('Content-Length\x85: 3\r\n', 'abc'), 'field'],
  s21: [
    'a leading comma makes another coding',
    put(`Transfer-Encoding: ,chunked\r\nContent-Length: 5\r\n`, '0\r\n\r\n'),
    'transfer_encoding',
  ],
  s22: ['chunk sizes read up to what is valid', put(TE, `3z\r\nabc\r\n0\r\n\r\n`), 'chunk'],
  s23: [
    'the first of two lengths taken',
    put('Content-Length: 3\r\nContent-Length: 1\r\n', 'abc'),
    'content_length',
  ],
  s24: [
    'version numbers that overflow',
    `GET /basket HTTP/4294967297.257\r\n${HOST}\r\n`,
    'request_line',
  ],
  s25: ['chunk sizes with the prefix of C', put(TE, '0x3\r\nabc\r\n0\r\n\r\n'), 'chunk'],
  s26: ['a negative length', put('Content-Length: -17\r\n'), 'content_length'],
  s27: ['the head cut at a colon alone', get(':\r\nAfter: a\r\n'), 'field'],
  s28: ['a space for the colon', put('Content-Length 3\r\n', 'abc'), 'space_before_colon'],
  s29: ['lengths read up to what is valid', put('Content-Length: 3x\r\n', 'abc'), 'content_length'],
  s30: ['the head ended by CRLF, CR and any byte', get(`\rQ${NEXT}`), 'control_character'],
  s31: ['a chunk line ended by CR and any byte', put(TE, '3\rQabc\r\n0\r\n\r\n'), 'chunk'],
  s32: [
    'octal lengths',
    put('Content-Length: 011\r\n', 'elevenbytes'),
    '',
    { ...VALID, why: 'RFC 9110 8.6: decimal, whatever stands before it' },
  ],
  s33: [
    'the last of two lengths taken',
    put('Content-Length: 1\r\nContent-Length: 3\r\n', 'abc'),
    'content_length',
  ],
  s34: ['CR kept in a value', get('Note: one\rtwo\r\n'), 'control_character'],
  s35: ['a value cut at NUL', get('Note: kept\x00dropped\r\n'), 'control_character'],
  s36: [
    'CRs in the white space of an extension',
    put(TE, '3; \r\rx=y\r\nabc\r\n0\r\n\r\n'),
    'chunk',
  ],
  s37: ['a name that goes on in the next line', put('Content-\r\nLength: 3\r\n', 'abc'), 'field'],
  s38: [
    'an empty length that reads until a time limit',
    put('Content-Length: \r\n', NEXT),
    'content_length',
  ],
  s39: ['the last chunk ended by any two bytes', put(TE, `0\r\nZ;${NEXT}`), 'trailer'],
  s40: [
    'neither method nor version checked',
    `\x01 /basket HTTP/.......1.1\r\n${HOST}\r\n`,
    'request_line',
  ],
  s41: [
    'next line cut off values of other fields',
    get('Role: \x85clerk\xa0\r\n'),
    '',
    { ...VALID, why: 'RFC 9110 5.5: obs-text is part of a value' },
  ],
  s42: [
    'an empty length before a second one',
    put('Content-Length:\r\nContent-Length: 3\r\n', 'abc'),
    'content_length',
  ],
  s43: ['NUL cut off the end of a value', get('Note: a\x00\r\n'), 'control_character'],
  s44: [
    'any coding taken for chunked',
    put('Transfer-Encoding: zipped\r\n', '3\r\nabc\r\n0\r\n\r\n'),
    'transfer_encoding',
  ],
  s45: [
    'garbage after a request that closes',
    get('Connection: close\r\n', '\x02\r\n\r\n'),
    'after_close',
    { clear: 1 },
  ],
  s46: [
    'all bytes beyond ASCII cut off a value',
    put('Transfer-Encoding: \xc3chunked\xc3\r\n', '0\r\n\r\n'),
    'transfer_encoding',
  ],
  s47: ['an invalid chunk skipped up to its CRLF', put(TE, `nothing\r\n${NEXT}`), 'chunk'],
  s48: [
    'a pipelined request taken for the body of one with length 0',
    put('Content-Length: 0\r\n', NEXT),
    '',
    { clear: 2 },
  ],
  p01: [
    'a length with the prefix of C passed on',
    put('Content-Length: 0x3\r\n', 'abc'),
    'content_length',
  ],
  p02: ['invalid chunk sizes passed on', put(TE, 'Y\r\nYY\r\n\r\n'), 'chunk'],
  p03: ['CR before the semicolon of an extension', put(TE, '3\r\r;x\r\nabc\r\n0\r\n\r\n'), 'chunk'],
  p04: ['an invalid chunk passed on without its bytes', put(TE, '3\r0\nabc'), 'chunk'],
  p05: ['an empty length passed on', get('content-length:  \r\n'), 'content_length'],
  p06: ['next line within a name passed on', get('No\x85te: a\r\n'), 'field'],
  p07: [
    'sizes read up to what is valid, and written anew',
    put(TE, '3-and-more\r\nabc\r\n0\r\n\r\n'),
    'chunk',
  ],
  p09: [
    'a leading comma passed on',
    put('Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n'),
    'transfer_encoding',
  ],
  p10: ['CRs passed on in a value', get('Note: a\rb\rc\r\n'), 'control_character'],
  p11: [
    'an empty length passed on before another',
    get(`content-length: \r\ncontent-length: ${NEXT.length}\r\n`, NEXT),
    'content_length',
  ],
  p12: [
    'NUL passed on in a value',
    `GET /basket HTTP/1.1\r\nHost: shop.test\x00.elsewhere\r\n\r\n`,
    'control_character',
  ],
  p13: ['LF after chunk data', put(TE, '3\r\nabc\n0\r\n\r\n'), 'chunk'],
  p14: ['lines without a colon passed on', get('No\nte: a\r\n'), 'control_character'],
  p15: [
    'length and an unknown coding passed on together',
    put('Transfer-Encoding: ,chunked\r\nContent-Length: 4\r\n', '0\r\r\n'),
    'transfer_encoding',
  ],
  p16: [
    'LF not mended in what is passed on',
    'GET /basket HTTP/1.1\nHost: shop.test\n\n',
    'request_line',
  ],
  p17: ['a CRLF too many before the last chunk', put(TE, `3\r\nabc\r\n\r\n0\r\n\r\n`), 'chunk'],
  p18: [
    'a leading comma passed on beside a length',
    put('Content-Length: 5\r\nTransfer-Encoding: ,chunked\r\n', '0\r\n\r\n'),
    'transfer_encoding',
  ],
  p19: ['a sign and the prefix of C before a size', put(TE, '-0x0\r\n\r\n'), 'chunk'],
  p20: [
    'a line with NUL glued to the one before',
    get('a: b\r\nc\x00: d\r\n'),
    'control_character',
  ],
  p21: [
    'the body of a GET dropped, its length kept',
    get('Content-Length: 4\r\n', 'body'),
    '',
    VALID,
  ],
  p22: [
    'two lengths passed on, the last believed',
    put(`Content-Length: 0\r\nContent-Length: ${NEXT.length}\r\n`, NEXT),
    'content_length',
  ],
  p23: [
    'length and coding passed on together',
    put(`Content-Length: 5\r\n${TE}`, '0\r\n\r\n'),
    'length_conflict',
  ],
  p24: ['white space before a size', put(TE, '      0\r\n\r\n'), 'chunk'],
  p25: [
    'chunked said twice and taken for once',
    put(`${TE}A: b\r\n${TE}`, '0\r\n\r\n'),
    'transfer_encoding',
  ],
  x03: ['a byte after a chunked body', put(TE, '0\r\n\r\n\x00'), 'request_line', { clear: 1 }],
  x04: ['a chunked body sent back before the answer', put(TE, '1\r\nZ\r\n0\r\n\r\n'), '', VALID],
  x06: [
    'HTTP/2 with white space around a value',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x01\x05\x00\x00\x00\x01\x00\t\x01a\t',
    'http2_preface',
    NODE,
  ],
  x07: [
    'HTTP/2 with an empty name',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04\x01\x05\x00\x00\x00\x01\x00\x00\x00',
    'http2_preface',
    NODE,
  ],
};

export const GARDEN_CASES: readonly OracleCase[] = Object.entries(ROWS).map(
  ([id, [fault, request, doubt, extra]]) => ({
    id: `http-garden/${id} ${fault}`,
    request,
    clear: 0,
    doubt,
    why: 'RFC 9112 and 9110, strictly',
    ...extra,
  }),
);
