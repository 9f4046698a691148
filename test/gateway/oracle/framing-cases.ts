/** Family F: the framing of requests. Sections are of RFC 9112 where not said otherwise. */
import type { OracleCase } from './case.ts';

type Row = readonly [name: string, request: string, why: string, extra?: Partial<OracleCase>];

const valid = (rows: readonly Row[]): OracleCase[] =>
  rows.map(([id, request, why, extra]) => ({ id, request, clear: 1, doubt: '', why, ...extra }));

const doubtful = (doubt: string, rows: readonly Row[]): OracleCase[] =>
  rows.map(([id, request, why, extra]) => ({ id, request, clear: 0, doubt, why, ...extra }));

const partial = (rows: readonly Row[]): OracleCase[] =>
  rows.map(([id, request, why]) => ({ id, request, clear: 0, doubt: '', cut: true, why }));

const visible = (text: string): string =>
  JSON.stringify(text.length > 24 ? `${text.slice(0, 20)}… (${text.length})` : text);

function post(fields: string, body = 'hello'): string {
  return `POST /v1/score HTTP/1.1\r\nHost: h\r\n${fields}\r\n${body}`;
}
function chunks(body: string): string {
  return post('Transfer-Encoding: chunked\r\n', body);
}
function get(fields: string): string {
  return `GET /x HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;
}
function line(text: string, host = 'h'): string {
  return `${text}\r\nHost: ${host}\r\n\r\n`;
}
const END = '0\r\n\r\n';
const NODE_METHOD = 'knows a list of methods, and no others';
const NODE_HOST = 'leaves Host to the server above it';

/** F-01 to F-04: two lengths. */
const LENGTHS = [
  ...doubtful('length_conflict', [
    ['F-01 CL, then TE', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', END), '6.3'],
    ['F-01 TE, then CL', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', END), '6.3'],
    ['F-01 CL 0 and TE', post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', END), '6.3'],
    [
      'F-01 CL and TE in other cases',
      post('content-length: 5\r\ntransfer-ENCODING: CHUNKED\r\n', END),
      '6.3',
    ],
    [
      'F-01 CL and TE with fields between',
      post('Content-Length: 5\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n', END),
      '6.3',
    ],
    ['F-01 on a GET', get('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + END, '6.3'],
  ]),
  ...doubtful('content_length', [
    ['F-02 equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n'), '6.3'],
    ['F-02 equal lengths of 0', post('Content-Length: 0\r\nContent-Length: 0\r\n', ''), '6.3'],
    ['F-02 in other cases', post('content-length: 5\r\nCONTENT-LENGTH: 5\r\n'), '6.3'],
    ['F-02 5 and 05', post('Content-Length: 5\r\nContent-Length: 05\r\n'), '6.3'],
    ['F-03 different lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n'), '6.3'],
    ['F-03 5 and 0', post('Content-Length: 5\r\nContent-Length: 0\r\n'), '6.3'],
    ['F-03 an empty one first', post('Content-Length:\r\nContent-Length: 5\r\n'), 'CVE-2023-40225'],
    ['F-03 a wrong one second', post('Content-Length: 5\r\nContent-Length: abc\r\n'), '6.3'],
    ['F-04 a list of equal ones', post('Content-Length: 5, 5\r\n'), '6.3'],
    ['F-04 a list without spaces', post('Content-Length: 5,5\r\n'), '6.3'],
    ['F-04 a list of different ones', post('Content-Length: 5, 6\r\n'), '6.3'],
    ['F-04 a list with an empty entry', post('Content-Length: 5,\r\n'), '6.3'],
  ]),
];

const WRONG_LENGTHS = [
  '+5',
  '-5',
  '-0',
  '0x5',
  '0o5',
  '1_0',
  '5 5',
  '5\t5',
  '',
  ' ',
  'abc',
  '5a',
  'a5',
  '5.0',
  '5e0',
  '"5"',
  '5;',
  '5;a=b',
  '٥',
  '5'.repeat(30),
  '18446744073709551621',
  '9007199254740993',
  '1'.repeat(16),
  '5\xa0',
  '\xa05',
  '5\x85',
];

/** F-05: what is no length. */
const LENGTH_VALUES = [
  ...WRONG_LENGTHS.map(
    (value): OracleCase => ({
      id: `F-05 CL ${visible(value)}`,
      request: post(
        `Content-Length: ${Buffer.from(value, value === '٥' ? 'utf8' : 'latin1').toString('latin1')}\r\n`,
      ),
      clear: 0,
      doubt: 'content_length',
      why: 'RFC 9110 8.6: 1*DIGIT',
    }),
  ),
  ...valid([
    ['F-05 CL 005', post('Content-Length: 005\r\n'), 'RFC 9110 8.6: leaves no doubt'],
    ['F-05 CL 0', post('Content-Length: 0\r\n', ''), 'RFC 9110 8.6'],
    ['F-05 CL with white space around it', post('Content-Length:\t 5 \t\r\n'), '5: OWS'],
    ['F-05 CL without white space', post('Content-Length:5\r\n'), '5: OWS'],
  ]),
];

const WRONG_CODINGS = [
  'xchunked',
  'chunkedx',
  'chunk',
  'chunked, identity',
  'identity',
  'identity, chunked',
  ',chunked',
  'chunked,',
  ', chunked',
  '',
  ' ',
  '"chunked"',
  "'chunked'",
  'chunked;q=1',
  'chunked; a=b',
  'chunked chunked',
  'chunked,chunked',
  'gzip, chunked',
  'gzip',
  'cow',
  '[chunked]',
  'chu nked',
  'chunked\xa0',
  '\xa0chunked',
  'chunked\x85',
  'chun\xe9ked',
];

/** F-06: what is no coding we know. */
const CODINGS = [
  ...WRONG_CODINGS.map(
    (value): OracleCase => ({
      id: `F-06 TE ${visible(value)}`,
      request: post(`Transfer-Encoding: ${value}\r\n`, END),
      clear: 0,
      doubt: 'transfer_encoding',
      why: '6.1: readers differ on anything but one chunked',
    }),
  ),
  ...[0x00, 0x01, 0x08, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f].flatMap((code): OracleCase[] => {
    const control = String.fromCharCode(code);
    const name = `\\x${code.toString(16).padStart(2, '0')}`;
    return ['before', 'after'].map((where) => ({
      id: `F-06 TE with ${name} ${where}`,
      request: post(
        `Transfer-Encoding: ${where === 'before' ? control : ''}chunked${where === 'after' ? control : ''}\r\n`,
        END,
      ),
      clear: 0,
      doubt: 'control_character',
      why: 'RFC 9110 5.5',
    }));
  }),
  ...doubtful('transfer_encoding', [
    [
      'F-06 TE twice',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', END),
      '6.1',
    ],
    [
      'F-06 TE identity, then chunked',
      post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', END),
      '6.1',
    ],
    [
      'F-06 TE chunked, then another',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', END),
      '6.1',
    ],
    ['F-06 an empty TE and a CL', post('Transfer-Encoding:\r\nContent-Length: 5\r\n'), '6.1'],
  ]),
  ...doubtful('transfer_encoding', [
    [
      'F-06 a tab after chunked',
      post('Transfer-Encoding: chunked\t\r\n', END),
      '5: OWS, and yet another coding to llhttp',
    ],
  ]),
  ...valid([
    [
      'F-06 TE in another case',
      post('TRANSFER-encoding: Chunked\r\n', `5\r\nhello\r\n${END}`),
      '7',
    ],
    [
      'F-06 TE with white space around it',
      post('Transfer-Encoding:\t chunked \r\n', END),
      '5: OWS',
    ],
    [
      'F-06 a field that only looks like it',
      post('Transfer_Encoding: chunked\r\nContent-Length: 5\r\n'),
      '5',
    ],
    [
      'F-06 X-Transfer-Encoding',
      post('X-Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'),
      '5',
    ],
  ]),
];

/** F-07, F-08, F-13, F-15, F-16: field lines. */
const FIELDS = [
  ...doubtful('content_length', [
    ['F-08 a folded CL', post('Content-Length:\r\n 5\r\n'), '5.2; empty, up to the fold'],
  ]),
  ...doubtful('transfer_encoding', [
    [
      'F-08 a folded TE',
      post('Transfer-Encoding:\r\n chunked\r\n', END),
      '5.2; empty, up to the fold',
    ],
  ]),
  ...doubtful('space_before_colon', [
    ['F-07 a space before the colon of CL', post('Content-Length : 5\r\n'), '5.1'],
    ['F-07 a tab before the colon of CL', post('Content-Length\t: 5\r\n'), '5.1'],
    ['F-07 a space before the colon of TE', post('Transfer-Encoding : chunked\r\n', END), '5.1'],
    ['F-07 a space before the colon of Host', 'GET / HTTP/1.1\r\nHost : h\r\n\r\n', '5.1'],
    ['F-07 a space before any colon', get('A : b\r\n'), '5.1'],
    ['F-07 a space within a name', get('A B: c\r\n'), '5.1'],
  ]),
  ...doubtful('obs_fold', [
    ['F-08 a fold', get('A: b\r\n c\r\n'), '5.2'],
    ['F-08 a fold with a tab', get('A: b\r\n\tc\r\n'), '5.2'],
    ['F-08 a fold before the first field', 'GET / HTTP/1.1\r\n Host: h\r\n\r\n', '5.2'],
    ['F-08 TE hidden behind a fold', post('A: b\r\n Transfer-Encoding: chunked\r\n', END), '5.2'],
    ['F-08 a line of white space', get('A: b\r\n \r\n'), '2.2'],
  ]),
  ...doubtful('transfer_encoding', [
    [
      'F-09 TE on HTTP/1.0',
      'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '6.1',
    ],
    [
      'F-09 TE on HTTP/1.0 with keep-alive',
      'POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '6.1',
    ],
  ]),
  ...doubtful('request_line', [
    ['F-13 LF after the request line', 'GET / HTTP/1.1\nHost: h\r\n\r\n', '2.2'],
    ['F-13 CR after the request line', 'GET / HTTP/1.1\rHost: h\r\n\r\n', '2.2'],
    ['F-13 LF everywhere', 'GET / HTTP/1.1\nHost: h\n\n', '2.2'],
    ['F-13 LF before the request line', '\nGET / HTTP/1.1\r\nHost: h\r\n\r\n', '2.2'],
    ['F-13 CR before the request line', '\rGET / HTTP/1.1\r\nHost: h\r\n\r\n', '2.2'],
    [
      'F-13 two empty lines before the request line',
      '\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n',
      '2.2: at least one is ignored, how many is not said',
    ],
  ]),
  ...doubtful('control_character', [
    ['F-13 LF after a field', 'GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n', '2.2'],
    ['F-13 CR after a field', 'GET / HTTP/1.1\r\nHost: h\rA: b\r\n\r\n', '2.2'],
    ['F-13 LF ends the head', 'GET / HTTP/1.1\r\nHost: h\r\n\n', '2.2'],
    ['F-13 CR ends the head', 'GET / HTTP/1.1\r\nHost: h\r\n\rX', '2.2'],
    ['F-13 CR CR LF ends a field', 'GET / HTTP/1.1\r\nHost: h\r\r\n\r\n', '2.2'],
    ['F-13 TE hidden behind LF', post('A: b\nTransfer-Encoding: chunked\r\n', END), '2.2'],
    ['F-13 TE hidden behind CR', post('A: b\rTransfer-Encoding: chunked\r\n', END), '2.2'],
  ]),
  ...[0x00, 0x01, 0x07, 0x0b, 0x0c, 0x1f, 0x7f].flatMap((code): OracleCase[] => {
    const control = String.fromCharCode(code);
    const name = `\\x${code.toString(16).padStart(2, '0')}`;
    const rest = { clear: 0, doubt: 'control_character', why: 'RFC 9110 5.5 and 5.1' };
    return [
      { id: `F-15 ${name} in a value`, request: get(`A: b${control}c\r\n`), ...rest },
      { id: `F-15 ${name} in a name`, request: get(`A${control}: b\r\n`), ...rest },
      { id: `F-15 ${name} before a name`, request: get(`${control}A: b\r\n`), ...rest },
    ];
  }),
  ...[0x80, 0x85, 0xa0, 0xff].flatMap((code): OracleCase[] => {
    const high = String.fromCharCode(code);
    const name = `\\x${code.toString(16)}`;
    return [
      {
        id: `F-15 ${name} in a name`,
        request: get(`A${high}: b\r\n`),
        clear: 0,
        doubt: 'field',
        why: '5.1',
      },
      {
        id: `F-15 ${name} in a value`,
        request: get(`A: b${high}c\r\n`),
        clear: 1,
        doubt: '',
        why: 'RFC 9110 5.5: obs-text',
      },
    ];
  }),
  ...doubtful('field', [
    ['F-16 a line without a colon', get('A\r\n'), '5'],
    ['F-16 a line without a colon, last', get('A: b\r\nnothing\r\n'), '5'],
    ['F-16 an empty name', get(': b\r\n'), '5'],
    ['F-16 a colon alone', get(':\r\n'), '5'],
    ['F-16 a name in brackets', get('(A): b\r\n'), '5.1: token'],
    ['F-16 a quoted name', get('"A": b\r\n'), '5.1: token'],
    ['F-16 a name with a slash', get('A/B: c\r\n'), '5.1: token'],
  ]),
  ...valid([
    ['F-16 an empty value', get('A:\r\n'), '5'],
    ['F-16 a value of white space', get('A: \t \r\n'), '5'],
    ['F-16 a colon in a value', get('A: b:c\r\n'), '5'],
    [
      'F-16 every letter of a token in a name',
      get("!#$%&'*+-.^_`|~09AZaz: b\r\n"),
      'RFC 9110 5.6.2',
    ],
  ]),
];

/** F-10 to F-12: chunked bodies. */
const CHUNKS = [
  ...[
    '0x5',
    '+5',
    '-5',
    ' 5',
    '\t5',
    '5 ',
    '5\t',
    '1_0',
    '5;',
    '5;;a',
    '1'.repeat(14),
    '1'.repeat(17),
    '',
    'g',
    '5g',
    '5;=a',
    '5; a',
    '5 ;a',
    '5;a =b',
    '5;a= b',
    '5;a="',
    '5;a="b',
    '5;a="b"c',
    '5;a=b;',
    '5;a\x00',
    '5;a="\x01"',
    '5,5',
    '0.5',
    '"5"',
    '\xb5',
  ].map(
    (size): OracleCase => ({
      id: `F-10 chunk size ${visible(size)}`,
      request: chunks(`${size}\r\nhello\r\n${END}`),
      clear: 0,
      doubt: 'chunk',
      why: '7.1, 7.1.1',
    }),
  ),
  ...valid([
    ['F-10 upper and lower case', chunks(`A\r\n0123456789\r\na\r\n0123456789\r\n${END}`), '7.1'],
    ['F-10 leading zeros', chunks(`0005\r\nhello\r\n000\r\n\r\n`), '7.1: 1*HEXDIG'],
    ['F-10 an extension', chunks(`5;a\r\nhello\r\n0;b\r\n\r\n`), '7.1.1'],
    ['F-10 an extension with a value', chunks(`5;a=b;c=d\r\nhello\r\n${END}`), '7.1.1'],
    ['F-10 a quoted value', chunks(`5;a="b;c";d="\\"";e=""\r\nhello\r\n${END}`), '7.1.1'],
    [
      'F-10 obs-text in a quoted value',
      chunks(`5;a="\xe9 \t"\r\nhello\r\n${END}`),
      '7.1.1',
      { node: 'takes ASCII alone there' },
    ],
    ['F-11 an extension of 1 KiB', chunks(`5;${'a'.repeat(1024)}\r\nhello\r\n${END}`), '7.1.1'],
    ['F-11 an extension of 8 KiB', chunks(`5;a="${'b'.repeat(8192)}"\r\nhello\r\n${END}`), '7.1.1'],
  ]),
  ...doubtful('head_too_long', [
    [
      'F-11 an extension of 64 KiB',
      chunks(`5;${'a'.repeat(65_536)}\r\nhello\r\n${END}`),
      '7.1.1: a limit on extensions',
      { node: 'has a limit of its own' },
    ],
    [
      'F-11 trailers over 64 KiB',
      chunks(`0\r\n${'a: bbbbbbbb\r\n'.repeat(6_000)}\r\n`),
      'a limit of ours',
    ],
    ['F-11 a head over 64 KiB', get(`A: ${'b'.repeat(65_536)}\r\n`), '5.4: a limit of ours'],
    [
      'F-11 a target over 64 KiB',
      line(`GET /${'a'.repeat(65_536)} HTTP/1.1`),
      '3: a limit of ours',
    ],
  ]),
  ...doubtful('chunk', [
    ['F-12 data longer than its size', chunks(`5\r\nhello!\r\n${END}`), '7.1'],
    ['F-12 data shorter than its size', chunks(`5\r\nhel\r\n${END}`), '7.1'],
    ['F-12 no CRLF after data', chunks(`5\r\nhello${END}`), '7.1'],
    ['F-12 CR alone after data', chunks(`5\r\nhello\r${END}`), '7.1'],
    ['F-12 LF alone after data', chunks(`5\r\nhello\n${END}`), '7.1'],
    ['F-12 two CRLFs after data', chunks(`5\r\nhello\r\n\r\n${END}`), '7.1'],
    ['F-13 LF after a size', chunks(`5\nhello\r\n${END}`), '7.1'],
    ['F-13 CR alone after a size', chunks(`5\rhello\r\n${END}`), '7.1'],
    ['F-13 two CRs after a size', chunks(`5\r\r\nhello\r\n${END}`), '7.1'],
    [
      'F-13 LF in an extension',
      chunks(`5;\nhello\r\n${END}`),
      'the terminators of an extension: CVE-2025-55315',
    ],
    ['F-13 LF in a quoted extension', chunks(`5;a="\n"\r\nhello\r\n${END}`), '7.1.1'],
    ['F-13 LF after the last chunk', chunks('0\n\r\n'), '7.1'],
  ]),
  ...doubtful('trailer', [
    ['F-12 CL as a trailer', chunks('0\r\nContent-Length: 5\r\n\r\n'), 'RFC 9110 6.5.1'],
    ['F-12 TE as a trailer', chunks('0\r\ntransfer-encoding: chunked\r\n\r\n'), 'RFC 9110 6.5.1'],
    ['F-12 Host as a trailer', chunks('0\r\nHost: h\r\n\r\n'), 'RFC 9110 6.5.1'],
    ['F-12 Connection as a trailer', chunks('0\r\nConnection: close\r\n\r\n'), 'RFC 9110 6.5.1'],
    ['F-12 a folded trailer', chunks('0\r\nA: b\r\n c\r\n\r\n'), '5.2'],
    ['F-12 a trailer without a colon', chunks('0\r\nA\r\n\r\n'), '7.1.2'],
    ['F-12 an empty trailer name', chunks('0\r\n: b\r\n\r\n'), '7.1.2'],
    ['F-12 a space before a colon', chunks('0\r\nA : b\r\n\r\n'), '5.1'],
    ['F-12 NUL in a trailer', chunks('0\r\nA: \x00\r\n\r\n'), 'RFC 9110 5.5'],
    ['F-13 LF after a trailer', chunks('0\r\nA: b\n\r\n'), '2.2'],
    ['F-13 LF ends the trailers', chunks('0\r\n\n'), '2.2'],
    ['F-13 bytes in place of the last CRLF', chunks('0\r\n\rX'), '7.1'],
  ]),
  ...valid([
    ['F-12 trailers', chunks(`5\r\nhello\r\n0\r\nA: b\r\nX-C:\r\n\r\n`), '7.1.2'],
    ['F-12 no data at all', chunks(END), '7.1'],
    ['F-12 data that looks like structure', chunks(`9\r\n0\r\n\r\nGET \r\n${END}`), '7.1'],
    [
      'F-12 a chunk of a byte each',
      chunks(`${[...'hello'].map((c) => `1\r\n${c}\r\n`).join('')}${END}`),
      '7.1',
    ],
  ]),
];

/** F-14: bodies and heads that are cut. */
const CUT = partial([
  ['F-14 a body that is cut', post('Content-Length: 50\r\n'), '8'],
  ['F-14 no byte of a body', post('Content-Length: 5\r\n', ''), '8'],
  ['F-14 a chunk that is cut', chunks('5\r\nhel'), '8'],
  ['F-14 a size line that is cut', chunks('5\r'), '8'],
  ['F-14 no last chunk', chunks('5\r\nhello\r\n'), '8'],
  ['F-14 trailers that are cut', chunks('0\r\nA: b\r\n'), '8'],
  ['F-14 the last LF is missing', chunks('0\r\n\r'), '8'],
  ['F-14 a head that is cut', 'GET / HTTP/1.1\r\nHost: h\r\n', '8'],
  ['F-14 a head that is cut in its last CRLF', 'GET / HTTP/1.1\r\nHost: h\r\n\r', '8'],
  ['F-14 a request line that is cut', 'GET / HT', '8'],
  ['F-14 one byte', 'G', '8'],
]);

/** F-17 to F-19, and the request line. */
const TARGETS = [
  ...doubtful(
    'host',
    [
      ['F-17 no Host', 'GET / HTTP/1.1\r\n\r\n', '3.2'],
      ['F-17 two equal Hosts', 'GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n', '3.2'],
      ['F-17 two different Hosts', 'GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n', '3.2'],
      ['F-17 two Hosts in other cases', 'GET / HTTP/1.1\r\nHost: h\r\nHOST: i\r\n\r\n', '3.2'],
      ['F-17 a comma in Host', line('GET / HTTP/1.1', 'h,i'), '3.2: readers take it for a list'],
      ['F-17 user info in Host', line('GET / HTTP/1.1', 'a@h'), '3.2: uri-host [ ":" port ]'],
      ['F-17 a path in Host', line('GET / HTTP/1.1', 'h/a'), '3.2'],
      ['F-17 a space in Host', line('GET / HTTP/1.1', 'h i'), '3.2'],
      ['F-17 a port that is none', line('GET / HTTP/1.1', 'h:80a'), '3.2'],
      ['F-17 two ports', line('GET / HTTP/1.1', 'h:80:81'), '3.2'],
      ['F-17 a quote in Host', line('GET / HTTP/1.1', '"h"'), '3.2'],
      ['F-17 a high byte in Host', line('GET / HTTP/1.1', 'h\xe9'), '3.2'],
      ['F-18 another absolute target', line('GET http://evil/ HTTP/1.1'), '3.2.2'],
      ['F-18 another port', line('GET http://h:81/ HTTP/1.1'), '3.2.2'],
      [
        'F-18 a port, and Host without',
        line('GET http://h:80/ HTTP/1.1'),
        '3.2.2: the same authority',
      ],
    ].map(([name, raw, why]) => [name, raw, why, { node: NODE_HOST }] as unknown as Row),
  ),
  ...doubtful('target', [
    [
      'F-18 user info in the target',
      line('GET http://u@h/ HTTP/1.1'),
      'RFC 9110 4.2.4',
      { node: NODE_HOST },
    ],
    ['F-18 another scheme', line('GET ftp://h/ HTTP/1.1'), '3.2.2', { node: NODE_HOST }],
    ['F-18 no authority', line('GET http:///x HTTP/1.1'), 'RFC 9110 4.2.1'],
    ['F-19 @evil', line('GET @evil HTTP/1.1'), '3.2'],
    ['F-19 * with GET', line('GET * HTTP/1.1'), '3.2.4', { node: NODE_HOST }],
    ['F-19 no slash', line('GET index HTTP/1.1'), '3.2'],
    ['F-19 authority-form with GET', line('GET h:80 HTTP/1.1'), '3.2.3'],
    ['F-19 a query alone', line('GET ?a HTTP/1.1'), '3.2'],
    ['U-02 CONNECT with a path', line('CONNECT / HTTP/1.1'), '3.2.3'],
    ['U-02 CONNECT without a port', line('CONNECT h HTTP/1.1'), '3.2.3'],
  ]),
  ...valid([
    ['F-17 an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', '3.2'],
    ['F-17 Host with a port', line('GET / HTTP/1.1', 'h:8080'), '3.2'],
    ['F-17 an IPv6 Host', line('GET / HTTP/1.1', '[2001:db8::1]:80'), '3.2'],
    ['F-17 an address of the future', line('GET / HTTP/1.1', '[v7.a:b]'), 'RFC 3986 3.2.2'],
    ['F-17 no Host on HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', '3.2', { last: true }],
    ['F-18 the same absolute target', line('GET http://h/a?b HTTP/1.1'), '3.2.2'],
    ['F-18 the same in another case', line('GET HTTP://H/ HTTP/1.1'), 'RFC 3986 6.2.2.1'],
    ['F-18 an absolute target without a path', line('GET http://h HTTP/1.1'), '3.2.2'],
    ['F-19 //evil', line('GET //evil HTTP/1.1'), '3.2.1: a path all the same'],
    ['F-19 a path with a colon and @', line('GET /a:b@c HTTP/1.1'), '3.2.1'],
    ['F-19 a query with everything', line("GET /a?b=c&d[]=%20!$'()*+,;:@/? HTTP/1.1"), '3.2.1'],
    ['F-19 * with OPTIONS', line('OPTIONS * HTTP/1.1'), '3.2.4', { state: 'ineligible(route)' }],
    [
      'a method of its own',
      line('SCORE /x HTTP/1.1'),
      '3.1: token',
      { state: 'ineligible(method)', node: NODE_METHOD },
    ],
    [
      'a lower-case method',
      line('get /x HTTP/1.1'),
      '3.1: case-sensitive',
      { state: 'ineligible(method)', node: NODE_METHOD },
    ],
  ]).map((c) => (c.id.startsWith('F-') ? c : { ...c, id: `F-19 ${c.id}` })),
  ...doubtful(
    'version',
    [
      ['F-19 HTTP/1.2', line('GET / HTTP/1.2'), '2.3'],
      ['F-19 HTTP/2.0', line('GET / HTTP/2.0'), '2.3'],
      ['F-19 HTTP/9.9', line('GET / HTTP/9.9'), '2.3'],
      ['F-19 HTTP/0.9 in words', line('GET / HTTP/0.9'), '2.3'],
    ].map(([name, raw, why]) => [name, raw, why, { node: 'takes some of them' }] as unknown as Row),
  ),
  ...doubtful(
    'request_line',
    [
      ['F-19 no version', line('GET /'), '3'],
      ['F-19 no target', line('GET HTTP/1.1'), '3'],
      ['F-19 two spaces before the target', line('GET  / HTTP/1.1'), '3'],
      ['F-19 two spaces before the version', line('GET /  HTTP/1.1'), '3'],
      ['F-19 a tab for a space', line('GET\t/ HTTP/1.1'), '3'],
      ['F-19 a space before the method', line(' GET / HTTP/1.1'), '3'],
      ['F-19 a space after the version', line('GET / HTTP/1.1 '), '3'],
      ['F-19 a space in the target', line('GET /a b HTTP/1.1'), '3.2'],
      ['F-19 a lower-case version', line('GET / http/1.1'), '2.3'],
      ['F-19 a version without a minor', line('GET / HTTP/1'), '2.3'],
      ['F-19 a version with a zero before', line('GET / HTTP/01.1'), '2.3'],
      ['F-19 a version with a plus', line('GET / HTTP/+1.1'), '2.3'],
      ['F-19 another protocol', line('GET / HTTQ/1.1'), '2.3'],
      ['F-19 a colon in the method', line('GE:T / HTTP/1.1'), '3.1'],
      ['F-19 a high byte in the target', line('GET /\xe9 HTTP/1.1'), '3.2'],
      ['F-19 NUL in the target', line('GET /\x00 HTTP/1.1'), '3.2'],
      ['F-19 TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'not HTTP'],
      ['F-19 SSH', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'not HTTP'],
    ].map(([name, raw, why]) => [name, raw, why, { node: 'takes some of them' }] as unknown as Row),
  ),
];

/** F-20, F-21, and how a connection ends. */
const OTHERS = [
  ...valid([
    [
      'F-20 GET with a body',
      `${get('Content-Length: 5\r\n')}hello`,
      'RFC 9110 9.3.1: framed as any',
    ],
    [
      'F-20 HEAD with a body',
      'HEAD /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
      'RFC 9110 9.3.2',
    ],
    [
      'F-20 DELETE with a body',
      'DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
      'RFC 9110 9.3.5',
    ],
    [
      'F-20 a chunked GET',
      `${get('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n${END}`,
      'RFC 9110 9.3.1',
    ],
    ['F-20 a POST without a body', post('', ''), '6.3: no length, no body'],
    [
      'F-21 0.CL: a body that looks like a request',
      post('Content-Length: 34\r\n', 'GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n'),
      '6.3: the body is a body',
    ],
    [
      'F-21 a body that looks like the end of one',
      post('Content-Length: 7\r\n', '\r\n0\r\n\r\n'),
      '6.3',
    ],
    ['F-21 an empty line before the request', `\r\n${get('')}`, '2.2: one is ignored'],
    ['F-21 Connection: close', get('Connection: close\r\n'), '9.6', { last: true }],
    [
      'F-21 Connection with other options',
      get('Connection: keep-alive, te\r\nTE: trailers\r\n'),
      '9.1',
    ],
    ['F-21 HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', '9.3'],
    [
      'F-21 HTTP/1.0 with a body',
      'POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello',
      '6.3',
      { last: true },
    ],
    ['F-21 two requests', get('') + post('Content-Length: 5\r\n'), '9.3.2', { clear: 2 }],
    ['F-21 twenty requests', get('').repeat(20), '9.3.2', { clear: 20 }],
    [
      'F-21 many fields',
      get(Array.from({ length: 500 }, (_, i) => `a-${i}: ${i}\r\n`).join('')),
      '5',
    ],
    ['F-21 a head just within the limit', get(`A: ${'b'.repeat(65_000)}\r\n`), '5.4'],
  ]),
  ...doubtful('after_close', [
    [
      'F-21 a request after Connection: close',
      get('Connection: close\r\n') + get(''),
      '9.6',
      { clear: 1 },
    ],
    [
      'F-21 a request after close among options',
      get('Connection: a, Close ,b\r\n') + get(''),
      '9.6',
      { clear: 1 },
    ],
    ['F-21 a request after HTTP/1.0', `GET / HTTP/1.0\r\n\r\n${get('')}`, '9.3', { clear: 1 }],
    [
      'F-21 garbage after Connection: close',
      `${get('Connection: close\r\n')}\x00`,
      '9.6',
      { clear: 1 },
    ],
  ]),
  ...doubtful('request_line', [
    [
      'F-21 two bytes more than CL says',
      `${post('Content-Length: 5\r\n')})(`,
      '6.3: what follows is no request',
      { clear: 1 },
    ],
    [
      'F-21 0.CL: a request hidden from CL',
      `${post('Content-Length: 0\r\n', '')}\x00GET / HTTP/1.1\r\n`,
      '6.3',
      { clear: 1 },
    ],
  ]),
  ...doubtful('length_conflict', [
    [
      'U-02 CONNECT with content',
      'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 5\r\n\r\nhello',
      'RFC 9110 9.3.6',
      { node: 'lets it switch' },
    ],
  ]),
  ...doubtful('http2_preface', [
    [
      'U-04 prior-knowledge HTTP/2',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00',
      'RFC 9113 3.4',
    ],
  ]),
];

export const FRAMING_CASES: readonly OracleCase[] = [
  ...LENGTHS,
  ...LENGTH_VALUES,
  ...CODINGS,
  ...FIELDS,
  ...CHUNKS,
  ...CUT,
  ...TARGETS,
  ...OTHERS,
];
