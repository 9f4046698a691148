/** MDA2AV/Http11Probe, `src/Http11Probe/TestCases/Suites/*.cs` (MIT). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CUT, type Entry, type Judgements, METHOD, UPGRADE } from './draft.ts';

const SUITES = 'src/Http11Probe/TestCases/Suites';
const START = /yield return new (?:Sequence)?TestCase\s*\{/g;

/** Of an entry of several steps, those on one connection that do not depend on an answer are one stream. */
export function readHttp11Probe(folder: string): Entry[] {
  return readdirSync(join(folder, SUITES))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, SUITES, file), 'utf8');
      const starts = [...text.matchAll(START)].map((match) => match.index);
      return starts.flatMap((from, i) => readEntry(text.slice(from, starts[i + 1])));
    });
}

function readEntry(code: string): Entry[] {
  const id = /\bId = "([^"]+)"/.exec(code)?.[1] ?? '';
  const says = /\bDescription = "((?:[^"\\]|\\.)*)"/.exec(code)?.[1] ?? '';
  const expected = code.slice(code.indexOf('Expected = '));
  const is400 = /ExpectedStatus = StatusCodeRange\.Exact\(400\)/.test(expected);
  const is2xx = /ExpectedStatus = StatusCodeRange\.Range2xx/.test(expected);
  const request = payloadOf(code);
  const taken = is400 ? false : is2xx || TAKEN.has(id);
  return [{ id: `http11-probe/${id}`, request, taken, says }];
}

/** Literals and byte arrays of the payload, in the order in which they are written. */
function payloadOf(code: string): string {
  const bodies = code.split(/PayloadFactory = /).slice(1);
  return bodies.map(stepOf).join('');
}

function stepOf(body: string): string {
  const end = body.search(
    /\n\s*(?:BehavioralAnalyzer|Expected|Validator|Label|Delay\w*|Read\w*) = |\n\s*\},\s*\n\s*new SequenceStep|\n\s*\}\s*\n\s*\]/,
  );
  const code = (end < 0 ? body : body.slice(0, end))
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\/\/ .*$/gm, '');
  const variables = new Map<string, string>();
  let payload = '';
  let smuggled = '';
  for (const part of code.matchAll(
    /(?:(?:const string|var|string|byte\[\]) (\w+) = )?(?:new string\('(.)', ([\d_]+)\)|(\$?)"((?:[^"\\]|\\.)*)"|\[((?:0x[0-9a-fA-F]{2}(?:, )?)+)\]|\.GetByteCount\((\w+)\))/g,
  )) {
    const [, name, letter, count, dollar, literal, bytes, counted] = part;
    const value =
      letter !== undefined
        ? letter.repeat(Number((count ?? '').replace('_', '')))
        : literal !== undefined
          ? fill(unescapeLiteral(literal), dollar === '$', variables)
          : bytes !== undefined
            ? bytes
                .split(', ')
                .map((b) => String.fromCharCode(Number(b)))
                .join('')
            : String((variables.get(counted ?? '') ?? '').length);
    if (name !== undefined) variables.set(name, value);
    if (counted !== undefined) variables.set('cl', value);
    if (name === 'smuggled') {
      smuggled = value;
      continue;
    }
    // A variable that is put into another literal is no part of its own.
    const isUsed = name !== undefined && new RegExp(`\\{${name}[.}]`).test(code);
    if (!isUsed && counted === undefined) payload += value;
  }
  return payload + smuggled;
}

function fill(
  text: string,
  isInterpolated: boolean,
  variables: ReadonlyMap<string, string>,
): string {
  if (!isInterpolated) return text;
  return text
    .replace(/\{ctx\.HostHeader\}/g, 'h')
    .replace(/\{ctx\.Host\}/g, 'h')
    .replace(/\{ctx\.Port\}/g, '80')
    .replace(/\{(\w+)(?:\.Length)?\}/g, (whole, name: string) => {
      const value = variables.get(name);
      if (value === undefined) return `<<${whole}>>`;
      return whole.includes('.Length') ? String(value.length) : value;
    });
}

function unescapeLiteral(text: string): string {
  return text
    .replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) =>
      Buffer.from(String.fromCharCode(Number.parseInt(hex, 16))).toString('latin1'),
    )
    .replace(/\\x([0-9a-fA-F]{1,4})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(
      /\\([rnt0"\\])/g,
      (_, c: string) => ({ r: '\r', n: '\n', t: '\t', '0': '\0' })[c] ?? c,
    );
}

/** Where the corpus leaves it open, or is about what a server does beyond framing: these are valid, for us. */
const TAKEN: ReadonlySet<string> = new Set(
  `RFC9112-3.2-FRAGMENT-IN-TARGET COMP-ABSOLUTE-FORM COMP-POST-CL-BODY COMP-CHUNKED-BODY COMP-CHUNKED-MULTI
  COMP-EXPECT-UNKNOWN COMP-GET-WITH-CL-BODY COMP-CHUNKED-EXTENSION COMP-METHOD-TRACE COMP-CONNECTION-CLOSE
  COMP-HTTP10-DEFAULT-CLOSE COMP-HTTP10-NO-HOST COMP-TRACE-WITH-BODY COMP-CHUNKED-TRAILER-VALID
  COMP-CHUNKED-HEX-UPPERCASE COMP-RANGE-POST COMP-HEAD-NO-BODY COMP-405-ALLOW COMP-NO-1XX-HTTP10
  COMP-NO-CL-IN-204 COMP-LONG-URL-OK COMP-DUPLICATE-CT COMP-TRACE-SENSITIVE COMP-RANGE-INVALID
  COMP-ACCEPT-NONSENSE COMP-POST-UNSUPPORTED-CT COMP-DATE-HEADER COMP-DATE-FORMAT COMP-NO-CL-IN-1XX
  COOK-ECHO COOK-EMPTY COOK-MANY-PAIRS COOK-MALFORMED
  COOK-MULTI-HEADER COOK-PARSED-BASIC COOK-PARSED-MULTI COOK-PARSED-EMPTY-VAL COOK-PARSED-SPECIAL
  MAL-CL-TAB-BEFORE-VALUE MAL-URL-BACKSLASH MAL-URL-PERCENT-NULL MAL-URL-PERCENT-CRLF MAL-URL-OVERLONG-UTF8
  MAL-RANGE-OVERLAPPING NORM-UNDERSCORE-CL NORM-UNDERSCORE-TE SMUG-CL-LEADING-ZEROS SMUG-CL-TRAILING-SPACE
  SMUG-CL-EXTRA-LEADING-SP SMUG-TRANSFER_ENCODING SMUG-EXPECT-100-CL SMUG-TRAILER-AUTH SMUG-HEAD-CL-BODY
  SMUG-OPTIONS-CL-BODY SMUG-CL-DOUBLE-ZERO SMUG-CL-LEADING-ZEROS-OCTAL SMUG-TRAILER-CONTENT-TYPE`.split(
    /\s+/,
  ),
);

const TWO = { clear: 2, doubt: '' };
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

/** Two requests on one connection: a plain one, then one with these fields. */
function twice(fields: string) {
  return { ...TWO, request: `${GET}GET / HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n` };
}

const SINGLE: Judgements = {
  'CAP-ETAG-304': twice('If-None-Match: "no-etag"'),
  'CAP-ETAG-IN-304': twice('If-None-Match: "an-etag"'),
  'CAP-LAST-MODIFIED-304': twice('If-Modified-Since: Wed, 01 Jan 2025 00:00:00 GMT'),
  'CAP-INM-PRECEDENCE': twice(
    'If-None-Match: "no-etag"\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT',
  ),
  'CAP-INM-WILDCARD': TWO,
  'CAP-IMS-FUTURE': TWO,
  'CAP-IMS-INVALID': TWO,
  'CAP-INM-UNQUOTED': twice('If-None-Match: no-etag'),
  'CAP-ETAG-WEAK': twice('If-None-Match: W/"no-etag"'),
  'RFC9112-2.3-HTTP09-REQUEST': { request: 'GET /\r\n\r\n', clear: 0, doubt: 'request_line' },
  'COMP-METHOD-CASE': METHOD,
  'COMP-UNKNOWN-METHOD': METHOD,
  'COMP-POST-CL-UNDERSEND': CUT,
  'COMP-CHUNKED-NO-FINAL': CUT,
  'COMP-UPGRADE-POST': UPGRADE,
  'COMP-UPGRADE-MISSING-CONN': UPGRADE,
  'COMP-UPGRADE-UNKNOWN': UPGRADE,
  'COMP-UPGRADE-INVALID-VER': UPGRADE,
  'COMP-UPGRADE-HTTP10': UPGRADE,
  'COMP-METHOD-CONNECT': UPGRADE,
  'COMP-OPTIONS-STAR': { clear: 1, doubt: '', state: 'ineligible(route)' },
  'COMP-HOST-EMPTY-VALUE': {
    clear: 1,
    doubt: '',
    why: 'ours: an empty Host is valid (RFC 9112 3.2)',
  },
  'COMP-LONG-URL-OK': { request: GET.replace('/', `/${'a'.repeat(7_900)}`) },
  'COOK-MANY-PAIRS': {
    request: GET.replace(
      '\r\n\r\n',
      `\r\nCookie: ${Array.from({ length: 1_000 }, (_, i) => `k${i}=v${i}`).join('; ')}\r\n\r\n`,
    ),
  },
  'MAL-BINARY-GARBAGE': {
    request: '\x00\xfe\x8a\x10GARBAGE\xff\r\n\x7f\r\n\r\n',
    clear: 0,
    doubt: 'request_line',
  },
  'MAL-MANY-HEADERS': {
    request: GET.replace('\r\n\r\n', `\r\n${'X-Header: value\r\n'.repeat(10_000)}\r\n`),
    clear: 0,
    doubt: 'head_too_long',
  },
  'MAL-RANGE-OVERLAPPING': {
    request: GET.replace(
      '\r\n\r\n',
      `\r\nRange: bytes=${Array.from({ length: 1_000 }, (_, i) => `0-${i}`).join(',')}\r\n\r\n`,
    ),
  },
  'MAL-CHUNK-EXT-64K': { node: 'has a limit of its own' },
  'MAL-INCOMPLETE-REQUEST': CUT,
  'MAL-EMPTY-REQUEST': {
    ...CUT,
    request: 'G',
    why: 'ours: nothing at all opens no connection upstream',
  },
  'MAL-POST-CL-HUGE-NO-BODY': CUT,
  'SMUG-CLTE-DESYNC': { doubt: 'length_conflict' },
  'SMUG-TECL-SMUGGLED-GET': {
    request: `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n33\r\nGET / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nx\r\n\r\n0\r\n\r\n`,
    doubt: 'length_conflict',
  },
  'SMUG-GET-CL-PREFIX-DESYNC': {
    ...TWO,
    request: `GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 23\r\n\r\nGET / HTTP/1.1\r\nX-Pad: ${GET}`,
  },
  'SMUG-CL0-BODY-POISON': {
    clear: 1,
    doubt: 'request_line',
    request: `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"${GET}`,
    why: 'ours: with a byte that can begin no method',
  },
  'SMUG-GET-CL-BODY-DESYNC': TWO,
  'SMUG-OPTIONS-CL-BODY-DESYNC': TWO,
  'SMUG-EXPECT-100-CL-DESYNC': TWO,
  'SMUG-PIPELINE-SAFE': TWO,
};

export const HTTP11_PROBE_JUDGEMENTS: Judgements = Object.fromEntries(
  Object.entries(SINGLE).map(([id, judged]) => [`http11-probe/${id}`, judged]),
);
