/** What no single key of redaction can say. Works on the value as it was read, as cross-checks.ts. */
import { CREDENTIAL_HEADERS, dashedName } from './credential-names.ts';
import type { Finding } from './cross-checks.ts';

type Record = Readonly<{ [key: string]: unknown }>;

/** @param value - the file's value, of any shape */
export function redactionFindings(value: unknown): Finding[] {
  const file = recordOf(value);
  const redaction = recordOf(file.redaction);
  const ids = listOf(redaction.keys).map((key) => recordOf(key).id);
  return [
    ...allowedCredentials(redaction),
    ...repeatedIds(ids),
    ...(ids.length > 0 ? [] : hashesWithoutKey(file)),
  ];
}

/** What is configured as a candidate's own header is sent; a caller's credential never. */
function allowedCredentials(redaction: Record): Finding[] {
  return listOf(redaction.allowHeaders).flatMap((name, i) => {
    if (!CREDENTIAL_HEADERS.has(dashedName(String(name).toLowerCase()))) return [];
    const expected = "no credential: a candidate's own stands in candidates[].headers";
    return [{ path: ['redaction', 'allowHeaders', i], value: name, expected }];
  });
}

function repeatedIds(ids: readonly unknown[]): Finding[] {
  return ids.flatMap((id, i) => {
    if (id === undefined || ids.indexOf(id) === i) return [];
    const path = ['redaction', 'keys', i, 'id'];
    return [{ path, value: id, expected: 'an id that is used once: it means one key' }];
  });
}

function hashesWithoutKey(file: Record): Finding[] {
  return listOf(file.routes).flatMap((route, i) => {
    const redact = recordOf(recordOf(route).redact);
    return ['request', 'answers', 'query'].flatMap((kind) =>
      listOf(redact[kind]).flatMap((rule, j) => {
        if (recordOf(rule).action !== 'hmac') return [];
        const path = ['routes', i, 'redact', kind, j, 'action'];
        return [{ path, value: 'hmac', expected: 'drop or mask, or a key in redaction.keys' }];
      }),
    );
  });
}

function recordOf(value: unknown): Record {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
