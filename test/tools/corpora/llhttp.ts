/** nodejs/llhttp, `test/{request,response}/*.md` (MIT). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import {
  CUT,
  type Entry,
  type Judgement,
  type Judgements,
  METHOD,
  UPGRADE,
  withHost,
} from './draft.ts';

const GET = 'GET /ping HTTP/1.1\r\nHost: h\r\n\r\n';
const BLOCK = /<!-- meta=(\{.*?\}) -->\s*```http\n([\s\S]*?)\n```[^`]*```log\n([\s\S]*?)```/g;

/** What a lenient mode is for, a strict reader does not take. */
export function readLlhttp(folder: string): Entry[] {
  return ['request', 'response'].flatMap((kind) => {
    const files = readdirSync(join(folder, 'test', kind)).sort();
    return files.flatMap((file) => readFile(folder, kind, file));
  });
}

function readFile(folder: string, kind: string, file: string): Entry[] {
  const text = readFileSync(join(folder, 'test', kind, file), 'utf8');
  return [...text.matchAll(BLOCK)].map((match, index): Entry => {
    const [, meta = '{}', block = '', log = ''] = match;
    const before = text.slice(0, match.index);
    const title = before.slice(before.lastIndexOf('\n#')).match(/^\n#+ (.*)/)?.[1] ?? '';
    const mode = String(JSON.parse(meta).type);
    const isLenient = mode.includes('lenient');
    const error = /error code=\d+ reason="([^"]*)"/.exec(log)?.[1] ?? '';
    const input = decode(block);
    const says = `${isLenient ? `${mode}: ` : ''}${title}${error === '' ? '' : ` (${error})`}`;
    const id = `llhttp/${kind}/${file.replace('.md', '')}/${index + 1}`;
    const isPaused = /on CONNECT\/Upgrade|on PRI/.test(error);
    const taken = isPaused && !isLenient ? null : error === '' && !isLenient;
    return kind === 'request'
      ? { id, request: withHost(input), taken, says }
      : { id, request: GET, answer: input, taken, says };
  });
}

/** As its own test runner does. */
function decode(block: string): string {
  return block
    .replace(/\\(\r\n|\r|\n)/g, '')
    .replace(/\r\n|\r|\n/g, '\r\n')
    .replace(/\\r/g, '\r')
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\f/g, '\f')
    .replace(/\\x([0-9a-fA-F]+)/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(/\\([0-7]{1,3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    .replace(/\$\{(.+?)\}/g, (_, code: string) => String(runInNewContext(code)));
}

const CODINGS = 'ours: readers differ on lists of codings, and none but chunked need be known';
const STRICT = 'ours: a strict reader refuses it';
const CHUNKED =
  'POST /chunked_w_unicorns_after_length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
const FORM =
  'POST / HTTP/1.1\r\nHost: www.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\n';
const ORIGIN =
  'Sec-WebSocket-Protocol: sample\r\nUpgrade: WebSocket\r\nOrigin: http://example.com\r\n\r\n';

const REQUESTS: Judgements = {
  'connection/2': {
    clear: 2,
    doubt: '',
    request: 'PUT /url HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n'.repeat(2),
  },
  'connection/3': { clear: 1, doubt: 'after_close' },
  'connection/4': { clear: 1, doubt: 'after_close', why: STRICT },
  'connection/5': {
    clear: 1,
    doubt: 'request_line',
    request: `${FORM}\r\nq=42\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n`,
    why: 'ours: one empty line is ignored, how many is not said',
  },
  'connection/9': { clear: 1, doubt: 'after_close' },
  'connection/10': { clear: 1, doubt: 'after_close' },
  'connection/14': {
    ...UPGRADE,
    request:
      'GET /demo HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n\r\n',
  },
  'connection/18': UPGRADE,
  'connection/19': {
    ...UPGRADE,
    request:
      'PUT /url HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nContent-Length: 4\r\nUpgrade: ws\r\n\r\nabcd',
  },
  'connection/20': {
    ...UPGRADE,
    request: `GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n${ORIGIN}`,
  },
  'connection/21': {
    ...UPGRADE,
    request:
      'POST /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0\r\nContent-Length: 15\r\n\r\nsweet post body',
  },
  'content-length/3': {
    request: 'PUT /url HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000000000\r\n\r\n',
  },
  'content-length/4': {
    request: 'PUT /url HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  },
  'content-length/10': CUT,
  'content-length/11': CUT,
  'content-length/16': CUT,
  'finish/2': CUT,
  'finish/3': CUT,
  'invalid/4': { ...METHOD, last: true },
  'invalid/14': METHOD,
  'invalid/19': { request: 'GET / HTTP/5.6\r\n\r\n' },
  'invalid/20': { request: 'GET / HTTP/1.1\r\n Host: foo\r\n\r\n' },
  'lenient-header-value-relaxed/5': {
    request: 'GET /url HTTP/1.1\r\n Header1: value\r\n\r\n',
    doubt: 'obs_fold',
  },
  'lenient-headers/2': { clear: 1, doubt: 'control_character', why: STRICT },
  'method/2': {
    ...UPGRADE,
    request: 'CONNECT 0-home0.netscape.com:443 HTTP/1.0\r\nUser-agent: Mozilla/1.1N\r\n\r\n',
  },
  'method/3': UPGRADE,
  'method/4': {
    clear: 0,
    doubt: 'length_conflict',
    why: 'ours: a CONNECT has no content (RFC 9110 9.3.6)',
  },
  'method/5': { clear: 0, doubt: 'target', why: 'ours: * is for OPTIONS alone (RFC 9112 3.2.4)' },
  'method/12': { clear: 0, doubt: 'request_line', why: 'ours: not HTTP' },
  'method/13': { clear: 0, doubt: 'request_line', why: 'ours: not HTTP' },
  'method/14': { clear: 0, doubt: 'request_line', why: 'ours: not HTTP' },
  'method/15': { clear: 0, doubt: 'target', why: 'ours: * is for OPTIONS alone' },
  'pipelining/1': {
    clear: 3,
    doubt: '',
    request: ['POST /aaa', 'PUT /bbb', 'PATCH /ccc']
      .map(
        (line, i) =>
          `${line} HTTP/1.1\r\nHost: h\r\nContent-Length: ${i + 3}\r\n\r\n${'ABC'[i]?.repeat(i + 3)}`,
      )
      .join('\r\n'),
  },
  'sample/10': { clear: 0, doubt: 'request_line', why: 'ours: HTTP/0.9' },
  'transfer-encoding/1': CUT,
  'transfer-encoding/7': {
    request: `${CHUNKED}5;ilovew3;somuchlove=aretheseparametersfor;another=withvalue\r\nhello\r\n6;blahblah;blah\r\n world\r\n0\r\n\r\n`,
  },
  'transfer-encoding/10': {
    request: `${CHUNKED}5;ilovew3="I \\"love\\"; \\\\extensions\\\\";somuchlove="aretheseparametersfor";blah;foo=bar\r\nhello\r\n6;blahblah;blah\r\n world\r\n0\r\n\r\n`,
  },
  'transfer-encoding/20': { clear: 0, doubt: 'transfer_encoding', why: CODINGS },
  'transfer-encoding/21': { clear: 0, doubt: 'transfer_encoding', why: CODINGS },
  'uri/3': { request: 'GET http://hypnotoad.org?hail=all HTTP/1.1\r\nHost: hypnotoad.org\r\n\r\n' },
  'uri/9': UPGRADE,
  'uri/10': { clear: 0, doubt: 'any', why: 'ours: no user info in a target (RFC 9110 4.2.4)' },
};

const TRUNCATED = { state: 'incumbent_abort(truncated)', ends: true, last: true };
const UNASKED = { answerDoubt: 'unexpected_answer' };

const RESPONSES: Judgements = {
  'connection/1': { node: 'takes Proxy-Connection for Connection' },
  'connection/6': UNASKED,
  'connection/3': UNASKED,
  'connection/5': UNASKED,
  'connection/7': UNASKED,
  'connection/10': { answerDoubt: 'upgrade' },
  'connection/11': { answerDoubt: 'upgrade' },
  'connection/15': UNASKED,
  'connection/16': UNASKED,
  'connection/17': { answerDoubt: 'status_line', why: 'ours: an empty line before a status line' },
  'connection/18': {
    answer:
      'HTTP/1.1 103 Early Hints\r\nLink: </styles.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nresponse content',
  },
  'content-length/3': TRUNCATED,
  'content-length/4': TRUNCATED,
  'invalid/12': { answer: 'HTTP/1.1 200 OK\r\n Host: foo\r\n\r\n' },
  'pipelining/1': UNASKED,
  'sample/2': { answerDoubt: 'status_line', why: 'ours: not HTTP' },
  'sample/3': { answerDoubt: 'status_line', why: 'ours: not HTTP' },
  'sample/6': UNASKED,
  'sample/17': { answerDoubt: 'version', why: 'ours: HTTP/0.9 has no status line' },
  'sample/19': { answerDoubt: 'status_line', why: 'ours: an empty line before a status line' },
  'transfer-encoding/2': { answerDoubt: 'transfer_encoding', why: CODINGS },
  'transfer-encoding/3': { answerDoubt: 'transfer_encoding', why: CODINGS },
  'transfer-encoding/4': { answerDoubt: 'transfer_encoding', why: CODINGS },
  'transfer-encoding/8': {
    answer:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ilovew3="I love; extensions";somuchlove="aretheseparametersfor";blah;foo=bar\r\nhello\r\n6;blahblah;blah\r\n world\r\n0\r\n\r\n',
  },
};

const under = (kind: string, table: Judgements): [string, Partial<Judgement>][] =>
  Object.entries(table).map(([key, judged]) => [`llhttp/${kind}/${key}`, judged]);

export const LLHTTP_JUDGEMENTS: Judgements = Object.fromEntries([
  ...under('request', REQUESTS),
  ...under('response', RESPONSES),
]);
