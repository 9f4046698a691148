/** Families B and H: answers; E and U: expectations and upgrades. Sections are of RFC 9112 if not said otherwise. */
import { GET, type OracleCase } from './case.ts';

type Row = readonly [id: string, answer: string, why: string, extra?: Partial<OracleCase>];

const answered = (rows: readonly Row[]): OracleCase[] =>
  rows.map(([id, answer, why, extra]) => ({
    id,
    request: GET,
    clear: 1,
    doubt: '',
    answer,
    why,
    ...extra,
  }));

const inDoubt = (answerDoubt: string, rows: readonly Row[]): OracleCase[] =>
  rows.map(([id, answer, why, extra]) => ({
    id,
    request: GET,
    clear: 1,
    doubt: '',
    answer,
    answerDoubt,
    why,
    // What comes after it is not framed any more: leave it out.
    last: true,
    ...extra,
  }));

const HEAD = 'HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n';
const TE = 'Transfer-Encoding: chunked\r\n';
const END = '0\r\n\r\n';

function ok(fields: string, body = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
}
function counted(body: string): string {
  return ok(`Content-Length: ${body.length}\r\n`, body);
}
function chunked(...parts: readonly string[]): string {
  return ok(TE, parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('') + END);
}
function post(body: string): string {
  return `POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const BODIES = [
  ...[0, 1, 1_000, 16_383, 16_384, 65_535, 65_536].flatMap((size): OracleCase[] => [
    {
      id: `B-01 counted bodies of ${size} bytes`,
      request: post('q'.repeat(size)),
      clear: 1,
      doubt: '',
      answer: counted('a'.repeat(size)),
      why: '6.3',
    },
    {
      id: `B-01 chunked bodies of ${size} bytes`,
      request: `POST /x HTTP/1.1\r\nHost: h\r\n${TE}\r\n${size > 0 ? `${size.toString(16)}\r\n${'q'.repeat(size)}\r\n` : ''}${END}`,
      clear: 1,
      doubt: '',
      answer: size > 0 ? chunked('a'.repeat(size)) : chunked(),
      why: '7.1',
    },
  ]),
  ...answered([
    [
      'B-01 chunked with extensions and trailers',
      ok(TE, '5;a="b;c"\r\nhello\r\n0;d\r\nT: v\r\nU:\r\n\r\n'),
      '7.1.1, 7.1.2',
    ],
    [
      'B-01 a body of every byte',
      counted(Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')),
      '6',
    ],
    [
      'B-01 a body that looks like an answer',
      counted('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
      '6',
    ],
    ['B-02 HEAD with a length', ok('Content-Length: 1000\r\n'), '6.3', { request: HEAD }],
    ['B-02 HEAD, chunked', ok(TE), '6.3', { request: HEAD }],
    ['B-02 HEAD without either', ok(''), '6.3', { request: HEAD }],
    [
      'B-02 HEAD answered 404',
      'HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n',
      '6.3',
      { request: HEAD },
    ],
    ['B-03 204', 'HTTP/1.1 204 No Content\r\n\r\n', '6.3'],
    [
      'B-03 204 with a length',
      'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
      '6.3: never a body',
    ],
    ['B-03 304', 'HTTP/1.1 304 Not Modified\r\n\r\n', '6.3'],
    ['B-03 304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', '6.3'],
    ['B-03 304, chunked', `HTTP/1.1 304 Not Modified\r\n${TE}\r\n`, '6.3'],
    [
      'B-04 205 with a length of 0',
      'HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n',
      'RFC 9110 15.3.6',
    ],
    ['B-04 205, an empty chunked body', `HTTP/1.1 205 Reset\r\n${TE}\r\n${END}`, 'RFC 9110 15.3.6'],
    [
      'B-05 103, then 200',
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${counted('ok')}`,
      'RFC 9110 15.2',
      { interimBytes: 40 },
    ],
    [
      'B-05 102 and 103, then 200',
      `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n${counted('ok')}`,
      'RFC 9110 15.2',
      { interimBytes: 36 },
    ],
    [
      'B-05 100 unasked, then 200',
      `HTTP/1.1 100 Continue\r\n\r\n${counted('ok')}`,
      'RFC 9110 15.2.1',
      { interimBytes: 25 },
    ],
    ['B-06 close-delimited', ok('', 'until the end'), '6.3', { ends: true }],
    ['B-06 close-delimited, empty', ok(''), '6.3', { ends: true }],
    [
      'B-06 close-delimited, like structure',
      ok('', `${END}HTTP/1.1 200 OK\r\n\r\n`),
      '6.3',
      { ends: true },
    ],
    ['B-06 HTTP/1.0, close-delimited', 'HTTP/1.0 200 OK\r\n\r\nbody', '6.3', { ends: true }],
    [
      'B-06 HTTP/1.0 with a length',
      'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody',
      '9.3',
      { ends: true },
    ],
    [
      'B-06 HTTP/1.0 to HTTP/1.0',
      'HTTP/1.0 200 OK\r\n\r\nbody',
      '9.3',
      { request: 'GET / HTTP/1.0\r\n\r\n', ends: true },
    ],
    [
      'B-06 HTTP/1.0 with keep-alive',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody',
      '9.3',
    ],
    [
      'B-06 Connection: close',
      ok('Connection: close\r\nContent-Length: 2\r\n', 'ok'),
      '9.6',
      { ends: true },
    ],
    [
      'B-11 gzip',
      ok('Content-Encoding: gzip\r\nContent-Length: 5\r\n', '\x1f\x8b\x08\x00\xff'),
      'RFC 9110 8.4: never decoded',
    ],
    [
      'B-11 br',
      ok('Content-Encoding: br\r\nContent-Length: 3\r\n', '\x8b\x01\x80'),
      'RFC 9110 8.4',
    ],
    [
      'B-11 zstd',
      ok('Content-Encoding: zstd\r\nContent-Length: 4\r\n', '\x28\xb5\x2f\xfd'),
      'RFC 9110 8.4',
    ],
    [
      'B-11 deflate',
      ok('Content-Encoding: deflate\r\nContent-Length: 2\r\n', '\x78\x9c'),
      'RFC 9110 8.4',
    ],
  ]),
];

const HEADS = [
  ...answered([
    [
      'H-01 three Set-Cookie',
      ok('Set-Cookie: a\r\nset-cookie: b\r\nSET-COOKIE: c\r\nContent-Length: 0\r\n'),
      'RFC 9110 5.3',
    ],
    [
      'H-01 Server and Location twice',
      ok('Server: a\r\nServer: b\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n'),
      'RFC 9110 5.3',
    ],
    ['H-01 obs-text', ok('X-A: \x80\xe9\xff\r\nContent-Length: 0\r\n'), 'RFC 9110 5.5'],
    ['H-01 empty values', ok('X-A:\r\nX-B: \r\nX-C:\t\r\nContent-Length: 0\r\n'), 'RFC 9110 5.5'],
    ['H-01 white space around values', ok('X-A: \t b \t\r\nContent-Length: \t0 \r\n'), '5'],
    ['H-02 a custom reason', 'HTTP/1.1 200 Fine \xe9, thanks\r\nContent-Length: 0\r\n\r\n', '4'],
    ['H-02 an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', '4'],
    [
      'H-02 no space before an empty reason',
      'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
      '4: servers do it, and it leaves no doubt',
    ],
    ['H-02 a reason of a number', 'HTTP/1.1 200 404\r\nContent-Length: 0\r\n\r\n', '4'],
    ...[201, 299, 301, 400, 404, 418, 429, 500, 503, 599].map(
      (status): Row => [
        `H-03 ${status}`,
        `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nno`,
        'RFC 9110 15',
      ],
    ),
    ['H-04 10,000 fields', ok(`${'a:\r\n'.repeat(10_000)}Content-Length: 0\r\n`), '5'],
  ]),
  ...inDoubt('head_too_long', [
    [
      'H-04 a head over 64 KiB',
      ok(`A: ${'b'.repeat(65_536)}\r\nContent-Length: 0\r\n`),
      'a limit of ours: relayed all the same',
    ],
  ]),
  ...inDoubt('status_line', [
    ['H-03 a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', '4'],
    ['H-03 a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', '4'],
    ['H-03 a status over 599', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n', 'RFC 9110 15'],
    ['H-03 999', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n', 'RFC 9110 15'],
    ['H-03 a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'RFC 9110 15'],
    ['H-03 a status with a sign', 'HTTP/1.1 +20 OK\r\n\r\n', '4'],
    ['H-02 a tab before the reason', 'HTTP/1.1 200\tOK\r\nContent-Length: 0\r\n\r\n', '4'],
    ['H-02 two spaces before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n', '4'],
    ['H-02 LF after the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', '2.2'],
    ['H-02 CR in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n', '4'],
    ['H-02 an empty line before it', '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '4'],
    ['H-02 a lower-case version', 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '2.3'],
    ['H-02 not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'not HTTP'],
    ['H-02 HTTP/0.9', '<html>hello</html>', 'not HTTP/1'],
  ]),
  ...inDoubt('version', [
    ['H-02 HTTP/2', 'HTTP/2 200 OK\r\n\r\n', '2.3'],
    ['H-02 HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n', '2.3'],
  ]),
  ...inDoubt('length_conflict', [
    ['B-01 CL and TE', ok(`Content-Length: 5\r\n${TE}`, END), '6.3'],
    ['B-01 TE and CL', ok(`${TE}Content-Length: 5\r\n`, END), '6.3'],
  ]),
  ...inDoubt('content_length', [
    ['B-01 equal lengths', ok('Content-Length: 2\r\nContent-Length: 2\r\n', 'ok'), '6.3'],
    ['B-01 different lengths', ok('Content-Length: 2\r\nContent-Length: 3\r\n', 'ok'), '6.3'],
    ['B-01 a list of lengths', ok('Content-Length: 2, 2\r\n', 'ok'), '6.3'],
    ['B-01 a length with a sign', ok('Content-Length: +2\r\n', 'ok'), '6.3'],
    ['B-01 an empty length', ok('Content-Length:\r\n', 'ok'), '6.3'],
  ]),
  ...inDoubt('transfer_encoding', [
    ['B-01 another coding', ok('Transfer-Encoding: gzip\r\n', 'x'), '6.1'],
    ['B-01 two codings', ok('Transfer-Encoding: gzip, chunked\r\n', END), '6.1: readers differ'],
    ['B-01 TE twice', ok(TE + TE, END), '6.1'],
    ['B-06 TE on HTTP/1.0', `HTTP/1.0 200 OK\r\n${TE}\r\n${END}`, '6.1'],
    ['B-06 TE to HTTP/1.0', ok(TE, END), '6.1', { request: 'GET / HTTP/1.0\r\n\r\n' }],
  ]),
  ...inDoubt('chunk', [
    ['B-01 a size with a prefix', ok(TE, '0x2\r\nok\r\n0\r\n\r\n'), '7.1'],
    ['B-01 LF after a size', ok(TE, '2\nok\r\n0\r\n\r\n'), '7.1'],
    ['B-01 data longer than its size', ok(TE, '2\r\nokay\r\n0\r\n\r\n'), '7.1'],
    ['B-01 a space after a size', ok(TE, '2 \r\nok\r\n0\r\n\r\n'), '7.1'],
  ]),
  ...inDoubt('trailer', [
    ['B-01 a length as a trailer', ok(TE, '0\r\nContent-Length: 2\r\n\r\n'), 'RFC 9110 6.5.1'],
    ['B-01 a folded trailer', ok(TE, '0\r\nA: b\r\n c\r\n\r\n'), '5.2'],
  ]),
  ...inDoubt('obs_fold', [['H-01 a fold', ok('A: b\r\n c\r\nContent-Length: 0\r\n'), '5.2']]),
  ...inDoubt('space_before_colon', [
    ['H-01 a space before a colon', ok('Content-Length : 0\r\n'), '5.1'],
  ]),
  ...inDoubt('field', [
    ['H-01 no colon', ok('A\r\nContent-Length: 0\r\n'), '5'],
    ['H-01 an empty name', ok(': b\r\nContent-Length: 0\r\n'), '5'],
  ]),
  ...inDoubt('control_character', [
    ['H-01 NUL in a value', ok('A: \x00\r\nContent-Length: 0\r\n'), 'RFC 9110 5.5'],
    ['H-01 CR in a value', ok('A: b\rc\r\nContent-Length: 0\r\n'), '2.2'],
    ['H-01 LF after a field', ok('A: b\nContent-Length: 0\r\n'), '2.2'],
  ]),
  ...inDoubt('reset_content', [
    [
      'B-04 205 with content',
      'HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok',
      'RFC 9110 15.3.6',
    ],
  ]),
  ...inDoubt('after_close', [
    [
      'B-05 an interim answer that closes',
      `HTTP/1.1 103 E\r\nConnection: close\r\n\r\n${counted('ok')}`,
      '9.6: readers differ on what follows it',
    ],
  ]),
  ...inDoubt('interim', [
    [
      'B-05 an interim answer to HTTP/1.0',
      `HTTP/1.1 100 Continue\r\n\r\n${counted('ok')}`,
      'RFC 9110 15.2',
      { request: 'GET / HTTP/1.0\r\n\r\n' },
    ],
  ]),
];

/** More than what was asked for: the exchange itself is complete, and mirrored. */
const SURPLUS = [
  ['B-03 content after 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', 'ok'],
  ['B-03 content after 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', 'ok'],
  ['B-02 content after HEAD', ok('Content-Length: 2\r\n'), 'ok'],
  ['B-01 a byte more than the length', counted('ok'), '!'],
  ['B-01 an answer nobody asked for', counted('ok'), counted('ok')],
].map(
  ([id = '', answer = '', more = '']): OracleCase => ({
    id,
    request: id.includes('HEAD') ? HEAD : GET,
    clear: 1,
    doubt: '',
    answer: answer + more,
    answerDoubt: 'unexpected_answer',
    surplusBytes: more.length,
    why: '6.3, 9.3.2: unsolicited',
    last: true,
  }),
);

function expecting(fields: string, version = '1.1'): string {
  const host = version === '1.1' ? 'Host: h\r\n' : '';
  return `POST /x HTTP/${version}\r\n${host}Expect: 100-continue\r\n${fields}\r\n`;
}
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: ';

const EXPECTATIONS: OracleCase[] = [
  {
    id: 'E-01 100, then the body, then 200',
    request: `${expecting('Content-Length: 5\r\n')}hello`,
    clear: 1,
    doubt: '',
    interim: CONTINUE,
    hold: 5,
    last: true,
    why: 'RFC 9110 10.1.1',
  },
  {
    id: 'E-01 100, then a chunked body',
    request: `${expecting(TE)}5\r\nhello\r\n${END}`,
    clear: 1,
    doubt: '',
    interim: CONTINUE,
    hold: 15,
    last: true,
    why: 'RFC 9110 10.1.1',
  },
  {
    id: 'E-02 417 without a 100, and no body',
    request: expecting('Content-Length: 5\r\n'),
    clear: 0,
    doubt: '',
    interim: 'HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    hold: 0,
    cut: true,
    why: 'RFC 9110 10.1.1: the caller goes, the request was never whole',
  },
  {
    id: 'E-03 the body without waiting',
    request: `${expecting('Content-Length: 5\r\n')}hello`,
    clear: 1,
    doubt: '',
    why: 'RFC 9110 10.1.1',
  },
  {
    id: 'E-03 the body without waiting, and a 100 all the same',
    request: `${expecting('Content-Length: 5\r\n')}hello`,
    clear: 1,
    doubt: '',
    answer: CONTINUE + counted('ok'),
    interimBytes: CONTINUE.length,
    why: 'RFC 9110 10.1.1',
  },
  {
    id: 'E-04 on HTTP/1.0',
    request: `${expecting('Content-Length: 5\r\n', '1.0')}hello`,
    clear: 1,
    doubt: '',
    last: true,
    why: 'RFC 9110 10.1.1: ignored',
  },
  {
    id: 'E-05 without a body',
    request: expecting('Content-Length: 0\r\n'),
    clear: 1,
    doubt: '',
    why: 'RFC 9110 10.1.1',
  },
  {
    id: 'E-05 another expectation',
    request: 'POST /x HTTP/1.1\r\nHost: h\r\nExpect: the-unexpected\r\nContent-Length: 2\r\n\r\nhi',
    clear: 1,
    doubt: '',
    answer: 'HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n',
    why: 'RFC 9110 10.1.1',
  },
];

const UPGRADES: OracleCase[] = [
  ...['websocket', 'h2c', 'h2c, websocket', 'TLS/1.0'].map(
    (protocol): OracleCase => ({
      id: `U-01 ${protocol}, ignored by the incumbent`,
      request: `${UPGRADE}${protocol}\r\n\r\n`,
      clear: 1,
      doubt: '',
      state: 'ineligible(upgrade)',
      last: true,
      why: 'RFC 9110 7.8',
      node: 'leaves the connection to whoever upgrades it',
    }),
  ),
  {
    id: 'U-01 websocket, taken',
    request: `${UPGRADE}websocket\r\n\r\n`,
    clear: 1,
    doubt: '',
    answer: 'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x02hi',
    answerDoubt: 'upgrade',
    state: 'ineligible(upgrade)',
    last: true,
    why: 'RFC 6455: relayed, never mirrored',
    node: 'leaves the connection to whoever upgrades it',
  },
  {
    id: 'U-02 CONNECT, taken',
    request: 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n',
    clear: 1,
    doubt: '',
    answer: 'HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01',
    answerDoubt: 'upgrade',
    state: 'ineligible(upgrade)',
    last: true,
    why: 'RFC 9110 9.3.6: relayed, never mirrored',
    node: 'leaves the connection to whoever upgrades it',
  },
  {
    id: 'U-02 CONNECT, refused',
    request: 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n',
    clear: 1,
    doubt: '',
    answer: 'HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n',
    state: 'ineligible(upgrade)',
    last: true,
    why: 'RFC 9110 9.3.6',
    node: 'leaves the connection to whoever upgrades it',
  },
];

export const ANSWER_CASES: readonly OracleCase[] = [
  ...BODIES,
  ...HEADS,
  ...SURPLUS,
  ...EXPECTATIONS,
  ...UPGRADES,
];
