/** Generators of strictly valid HTTP/1.1 exchanges, raw. Text is latin1: a character a byte. */
import fc from 'fast-check';

export interface ValidExchange {
  readonly request: string;
  readonly interim: string;
  readonly answer: string;
  readonly status: number;
  /** The answer ends with the connection. */
  readonly untilClose: boolean;
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz";
const token = (max: number) =>
  fc
    .array(fc.constantFrom(...TOKEN), { minLength: 1, maxLength: max })
    .map((letters) => letters.join(''));
const value = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
      { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
      { weight: 1, arbitrary: fc.constant(9) },
    ),
    { maxLength: 30 },
  )
  .map((codes) => String.fromCharCode(...codes));
const data = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
/** Bytes that a wrong reader takes for structure. */
const hostile = fc.constantFrom(
  '\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  '0\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
);
const body = fc.oneof(
  { weight: 3, arbitrary: data },
  { weight: 1, arbitrary: fc.tuple(hostile, hostile).map((texts) => texts.join('')) },
);
const space = fc.constantFrom('', ' ', '\t', '  ');

function mixCase(name: string): fc.Arbitrary<string> {
  return fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());
}

/** A tab after a coding is in doubt: Node's own parser takes it for part of it. */
const field = (name: string, text: string, after = space) =>
  fc
    .tuple(mixCase(name), space, after)
    .map(([written, before, behind]) => `${written}:${before}${text}${behind}\r\n`);

const DECIDING = /^(content-length|transfer-encoding|host|expect|upgrade|connection|x-mark)$/i;
const fields = fc
  .array(
    fc.tuple(
      token(12).filter((name) => !DECIDING.test(name)),
      value,
    ),
    { maxLength: 6 },
  )
  .map((list) => list.map(([name, text]) => `${name}: ${text}\r\n`).join(''));

const extension = fc.oneof(
  token(5).map((name) => `;${name}`),
  fc.tuple(token(5), token(5)).map(([name, text]) => `;${name}=${text}`),
  fc.tuple(token(5), fc.constantFrom('"a;b"', '"\\""', '""')).map((pair) => `;${pair.join('=')}`),
);
const chunk = fc
  .tuple(
    body.filter((text) => text !== ''),
    fc.array(extension, { maxLength: 2 }),
    fc.constantFrom('', '0', '000'),
  )
  .map(([text, ext, zeros]) => `${zeros}${text.length.toString(16)}${ext.join('')}\r\n${text}\r\n`);
const chunked = fc
  .tuple(fc.array(chunk, { maxLength: 4 }), fc.array(token(8), { maxLength: 2 }))
  .map(([list, names]) => `${list.join('')}0\r\n${names.map((n) => `t-${n}: v\r\n`).join('')}\r\n`);

/** Framing fields and the body they announce. */
const counted = body.chain((text) =>
  field('Content-Length', String(text.length)).map((line) => ({ line, text })),
);
const inChunks = fc
  .tuple(chunked, field('Transfer-Encoding', 'chunked', fc.constantFrom('', ' ')))
  .map(([text, line]) => ({ line, text }));
const bodiless = fc.constant({ line: '', text: '' });

/** Without it, HTTP/1.0 ends its connection. */
const KEEP = 'Connection: keep-alive\r\n';

const requests = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'M-SEARCH'),
    fc.constantFrom('/', '/v1/score', '/a?b=c&d', '//x', 'http://h/absolute', '/%2e%2e/'),
    fc.constantFrom(0, 1),
    fields,
    fc.oneof(bodiless, counted, inChunks),
  )
  .filter(([, , minor, , framing]) => minor === 1 || !/^transfer/i.test(framing.line))
  .map(([method, target, minor, rest, { line, text }]) => ({
    method,
    minor,
    raw: `${method} ${target} HTTP/1.${minor}\r\nHost: h\r\n${minor === 0 ? KEEP : ''}${rest}${line}\r\n${text}`,
  }));

const reason = fc.constantFrom(' OK', ' ', ' Custom \xe9 reason', ' 404');
const interim = fc
  .array(
    fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n'),
    {
      maxLength: 2,
    },
  )
  .map((list) => list.join(''));

interface AnswerParts {
  readonly status: number;
  readonly line: string;
  readonly text: string;
  readonly untilClose: boolean;
}

function withoutBody(request: { readonly method: string }): fc.Arbitrary<AnswerParts> {
  const statuses = request.method === 'HEAD' ? [200, 204, 304, 404] : [204, 304];
  return fc
    .tuple(fc.constantFrom(...statuses), fc.oneof(bodiless, field('Content-Length', '17')))
    .map(([status, framing]) => ({
      status,
      line: typeof framing === 'string' ? framing : '',
      text: '',
      untilClose: false,
    }));
}

function answers(request: { readonly method: string; readonly minor: number }, last: boolean) {
  const statuses = fc.constantFrom(200, 201, 299, 404, 500, 599);
  const framings = request.minor === 1 ? [counted, inChunks] : [counted];
  const closing = fc
    .tuple(statuses, body)
    .map(([status, text]): AnswerParts => ({ status, line: '', text, untilClose: true }));
  const framed = fc
    .tuple(statuses, fc.oneof(...framings))
    .map(([status, { line, text }]): AnswerParts => ({ status, line, text, untilClose: false }));
  const choices = last ? [framed, withoutBody(request), closing] : [framed, withoutBody(request)];
  const parts = request.method === 'HEAD' ? withoutBody(request) : fc.oneof(...choices);
  return fc
    .tuple(parts, reason, fields)
    .map(([{ status, line, text, untilClose }, phrase, rest]) => ({
      status,
      untilClose,
      answer: `HTTP/1.1 ${status}${phrase}\r\n${rest}${line}\r\n${text}`,
    }));
}

function exchange(last: boolean): fc.Arbitrary<ValidExchange> {
  return requests.chain((request) =>
    fc
      .tuple(answers(request, last), request.minor === 1 ? interim : fc.constant(''))
      .map(([answer, before]) => ({ request: request.raw, interim: before, ...answer })),
  );
}

/** One to six exchanges of one connection; only the last may end with it. */
export const validExchanges: fc.Arbitrary<ValidExchange[]> = fc
  .tuple(fc.array(exchange(false), { maxLength: 5 }), exchange(true))
  .map(([list, last]) => [...list, last]);
