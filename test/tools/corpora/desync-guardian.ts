/** aws/http-desync-guardian, `tests/*.yaml` (Apache-2.0). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Entry, type Judgements, toLatin1, withHost } from './draft.ts';

interface Row {
  readonly name: string;
  readonly uri: string;
  readonly method: string;
  readonly version: string;
  readonly headers: readonly { readonly name: string; readonly value: unknown }[] | null;
  readonly expected: { readonly tier: string; readonly reason: string };
}

/** It classifies heads alone: the body that the head announces is ours. */
export function readDesyncGuardian(folder: string): Entry[] {
  const files = readdirSync(join(folder, 'tests')).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((file) => {
    const rows: readonly Row[] = parse(readFileSync(join(folder, 'tests', file), 'utf8')) ?? [];
    return rows.map((row, index) => ({
      id: `desync-guardian/${file.replace('.yaml', '')}/${index + 1} ${row.name}`,
      request: withBody(withHost(toLatin1(headOf(row)))),
      taken: row.expected.tier === 'Compliant',
      says: `${row.expected.tier}: ${row.expected.reason}`,
    }));
  });
}

function headOf({ method, uri, version, headers }: Row): string {
  const fields = (headers ?? []).map(({ name, value }) => {
    const text = String(value ?? '');
    return `${name}:${/^[ \t]/.test(text) || text === '' ? '' : ' '}${text}\r\n`;
  });
  const head = `${method} ${uri} ${version}\r\n${fields.join('')}\r\n`;
  // Long bodies show nothing that short ones do not.
  return head.replace(/(\r\ncontent-length:[ \t]*)(\d{4,7})(?=[ \t]*\r\n)/gi, '$1100');
}

function withBody(head: string): string {
  const length = /\r\ncontent-length:[ \t]*(\d{1,6})[ \t]*\r\n/i.exec(head)?.[1];
  if (/\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n/i.test(head)) return `${head}0\r\n\r\n`;
  return length === undefined ? head : head + 'x'.repeat(Number(length));
}

const AS_ANY = {
  clear: 1,
  doubt: '',
  why: 'ours: a body on GET or HEAD is framed as any (RFC 9110 9.3.1)',
};
const OTHER_NAME = {
  clear: 1,
  doubt: '',
  why: 'ours: another field, whose name is a token (RFC 9110 5.1)',
};
const CODINGS = {
  clear: 0,
  doubt: 'transfer_encoding',
  why: 'ours: framed by RFC 9112 6.3, but a server need know chunked alone, and those that do not know lists differ',
};

export const DESYNC_GUARDIAN_JUDGEMENTS: Judgements = {
  'desync-guardian/acceptable/5 Get with a body and Content-Length:0': AS_ANY,
  'desync-guardian/acceptable/6 Get with a body and Content-Length:0': AS_ANY,
  'desync-guardian/ambiguous/8 Transfer_Encoding with underscore.': OTHER_NAME,
  'desync-guardian/ambiguous/9 Content_Length with underscore.': OTHER_NAME,
  'desync-guardian/ambiguous/13 Get with a body and Content-Length': AS_ANY,
  'desync-guardian/ambiguous/14 Get with a body and Transfer-Encoding': AS_ANY,
  'desync-guardian/ambiguous/15 Head with a body and Content-Length': AS_ANY,
  'desync-guardian/ambiguous/16 Head with a body and Transfer-Encoding': AS_ANY,
  'desync-guardian/ambiguous/31 Transfer-Encoding with multiple hyphens': OTHER_NAME,
  'desync-guardian/ambiguous/32 Transfer-Encoding with multiple delimiters': OTHER_NAME,
  'desync-guardian/more-compliant-tests/6 Correct TE OK': CODINGS,
  'desync-guardian/more-compliant-tests/8 Transfer-Encoding: identity and chunked OK': CODINGS,
  'desync-guardian/more-compliant-tests/9 Multiple transfer encoding headers in a single request OK':
    CODINGS,
  'desync-guardian/more-compliant-tests/10 TE with custom parameters OK': CODINGS,
  'desync-guardian/real-life-test-cases/1 Has a CL in GET': AS_ANY,
  'desync-guardian/real-life-test-cases/2 Has a TE in GET': AS_ANY,
  'desync-guardian/rfc-compliant/9 Different Transfer-Encoding headers': CODINGS,
  'desync-guardian/rfc-compliant/10 Different Transfer-Encoding headers combined': CODINGS,
  'desync-guardian/rfc-compliant/11 Transfer-Encoding with a param: chunked;custom_param': CODINGS,
  'desync-guardian/rfc-compliant/13 International in URI': {
    clear: 0,
    doubt: 'request_line',
    why: 'ours: a URI is ASCII (RFC 3986 2)',
  },
  'desync-guardian/rfc-compliant/14 Empty URI': {
    clear: 0,
    doubt: 'request_line',
    why: 'ours: a request target has at least one character (RFC 9112 3.2)',
  },
};
