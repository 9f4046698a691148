/**
 * What no single key can say: names are unique, names that are referred to exist, addresses do not clash.
 * Works on the value as it was read, so that these problems appear together with those of single keys.
 */
import { isSecure, parseEndpoint } from './address.ts';
import { analysisFindings } from './analysis-checks.ts';
import { DEFAULTS } from './defaults.ts';
import { nearest } from './keys.ts';
import { redactionFindings } from './redaction-checks.ts';
import type { KeyPath } from './source.ts';

/** A problem without its place. */
export interface Finding {
  readonly path: KeyPath;
  readonly value: unknown;
  readonly expected: string;
}

/** @param value - the file's value, of any shape */
export function crossCheck(value: unknown): Finding[] {
  return [
    ...duplicateNames(value, 'listeners', DEFAULTS.listener.name),
    ...duplicateNames(value, 'routes'),
    ...duplicateNames(value, 'candidates'),
    ...unknownRoutes(value),
    ...clashingAddresses(value),
    ...doubtfulTls(value),
    ...doubtfulPeerTls(value),
    ...doubtfulInsertion(value),
    ...kafkaSecurity(value),
    ...reversedBounds(value),
    ...shortAge(value),
    ...analysisFindings(value),
    ...redactionFindings(value),
  ];
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function items(value: unknown, key: string): readonly unknown[] {
  const list = member(value, key);
  return Array.isArray(list) ? list : [];
}

function duplicateNames(value: unknown, list: string, fallback?: string): Finding[] {
  const seen = new Set<unknown>();
  const found: Finding[] = [];
  for (const [i, item] of items(value, list).entries()) {
    const name = member(item, 'name') ?? fallback;
    if (name !== undefined && seen.has(name)) {
      found.push({ path: [list, i, 'name'], value: name, expected: `a name that is used once` });
    }
    seen.add(name);
  }
  return found;
}

function unknownRoutes(value: unknown): Finding[] {
  const names = items(value, 'routes')
    .map((route) => member(route, 'name'))
    .filter((name) => typeof name === 'string');
  const found: Finding[] = [];
  for (const [i, candidate] of items(value, 'candidates').entries()) {
    for (const [j, name] of items(candidate, 'routes').entries()) {
      if (typeof name !== 'string' || names.includes(name)) continue;
      const near = nearest(name, names);
      const hint = near === undefined ? names.slice(0, 10).join(', ') : `did you mean ${near}?`;
      const expected = `the name of a route (${hint})`;
      found.push({ path: ['candidates', i, 'routes', j], value: name, expected });
    }
  }
  return found;
}

/** What is inserted goes where the tap reads the head's end: so a head in doubt must not pass. */
function doubtfulInsertion(value: unknown): Finding[] {
  if (member(member(value, 'gateway'), 'ambiguous') === 'reject') return [];
  const found: Finding[] = [];
  for (const [i, listener] of items(value, 'listeners').entries()) {
    for (const key of Object.keys(DEFAULTS.listener.insert)) {
      const mode = member(member(listener, 'insert'), key);
      if (mode !== 'append' && mode !== 'replace') continue;
      const expected =
        'leave, unless gateway.ambiguous is reject: a head in doubt cannot be edited';
      found.push({ path: ['listeners', i, 'insert', key], value: mode, expected });
    }
  }
  return found;
}

/** A certificate is nothing without its key; a password is not sent where anybody can read it. */
function kafkaSecurity(value: unknown): Finding[] {
  const kafka = member(value, 'kafka');
  const tls = member(kafka, 'tls');
  const found: Finding[] = [];
  const [cert, key] = ['certFile', 'keyFile'].map((name) => member(tls, name) ?? '');
  if ((cert === '') !== (key === '')) {
    const missing = cert === '' ? 'certFile' : 'keyFile';
    const expected = 'certFile and keyFile, both or none';
    found.push({ path: ['kafka', 'tls', missing], value: undefined, expected });
  }
  const mechanism = member(member(kafka, 'sasl'), 'mechanism');
  if (mechanism === 'PLAIN' && (tls ?? null) === null) {
    const expected = 'SCRAM-SHA-256 or SCRAM-SHA-512 without kafka.tls: PLAIN sends the password';
    found.push({ path: ['kafka', 'sasl', 'mechanism'], value: mechanism, expected });
  }
  return found;
}

/** Keys that must not be above another; the defaults fill in what is missing. */
function reversedBounds(value: unknown): Finding[] {
  const mirror = member(value, 'mirror');
  const found = [
    ...overBound(['mirror', 'pressureFrom'], { ...DEFAULTS.mirror, ...record(mirror) }, [
      'pressureFrom',
      'pressureFull',
    ]),
  ];
  for (const [i, item] of items(value, 'candidates').entries()) {
    const candidate = { ...DEFAULTS.candidate, ...record(item) };
    const breaker = { ...DEFAULTS.candidate.breaker, ...record(candidate.breaker) };
    const adaptive = { ...candidate, ...DEFAULTS.adaptive, ...record(candidate.adaptive) };
    const path = ['candidates', i];
    found.push(...overBound([...path, 'breaker', 'openMs'], breaker, ['openMs', 'maxOpenMs']));
    if (candidate.adaptive === null) continue;
    const keys = ['minInFlight', 'maxInFlight'] as const;
    found.push(...overBound([...path, 'adaptive', 'minInFlight'], adaptive, keys));
  }
  return found;
}

/** Pairs that stay for their retention cannot leave before it by their age. */
function shortAge(value: unknown): Finding[] {
  const { maxAgeMs, retentionMs } = { ...DEFAULTS.journal, ...record(member(value, 'journal')) };
  if (typeof maxAgeMs !== 'number' || typeof retentionMs !== 'number') return [];
  if (maxAgeMs === 0 || maxAgeMs >= retentionMs) return [];
  const expected = `0, or at least retentionMs, which is ${retentionMs}`;
  return [{ path: ['journal', 'maxAgeMs'], value: maxAgeMs, expected }];
}

function overBound(
  path: KeyPath,
  values: Readonly<Record<string, unknown>>,
  [low, high]: readonly [string, string],
): Finding[] {
  const { [low]: least, [high]: most } = values;
  if (typeof least !== 'number' || typeof most !== 'number' || least <= most) return [];
  return [{ path, value: least, expected: `at most ${high}, which is ${most}` }];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Two listeners on one address would be found by the kernel only after half of them were bound. */
function clashingAddresses(value: unknown): Finding[] {
  const paths: KeyPath[] = [
    ...items(value, 'listeners').map((_, i) => ['listeners', i, 'listen']),
    ['gateway', 'health'],
    ['admin', 'listen'],
    ['metrics', 'listen'],
  ];
  const taken = new Map<string, string>();
  const found: Finding[] = [];
  for (const path of paths) {
    const written = path.reduce<unknown>((node, step) => member(node, String(step)), value);
    const text = typeof written === 'number' ? String(written) : written;
    const address = typeof text === 'string' ? parseEndpoint(text, '127.0.0.1') : null;
    if (address === null || ('port' in address && address.port === 0)) continue;
    const key = 'path' in address ? address.path : `${address.host} ${address.port}`;
    const other = taken.get(key);
    if (other !== undefined) {
      found.push({ path, value: written, expected: `an address other than that of ${other}` });
    }
    taken.set(key, other ?? path.join('.').replace(/\.(\d+)/g, '[$1]'));
  }
  return found;
}

/** Client certificates need somebody who vouches for them, and a server name is of one certificate. */
function doubtfulTls(value: unknown): Finding[] {
  const found: Finding[] = [];
  for (const [i, listener] of items(value, 'listeners').entries()) {
    const tls = member(listener, 'tls');
    const wanted = member(tls, 'clientCertificates') ?? DEFAULTS.listener.tls.clientCertificates;
    const file = member(tls, 'clientCaFile') ?? DEFAULTS.listener.tls.clientCaFile;
    const path = ['listeners', i, 'tls', 'clientCaFile'];
    if (wanted !== 'off' && file === '') {
      found.push({
        path,
        value: file,
        expected: 'a path: somebody vouches for client certificates',
      });
    }
    if (wanted === 'off' && file !== '') {
      const expected = 'nothing, or clientCertificates: optional or required';
      found.push({ path, value: file, expected });
    }
    const seen = new Set<string>();
    for (const [j, entry] of items(tls, 'names').entries()) {
      for (const [k, name] of items(entry, 'serverNames').entries()) {
        const key = String(name).toLowerCase();
        if (seen.has(key)) {
          const place = ['listeners', i, 'tls', 'names', j, 'serverNames', k];
          found.push({
            path: place,
            value: name,
            expected: 'a name that stands once in a listener',
          });
        }
        seen.add(key);
      }
    }
  }
  return found;
}

/** How somebody is spoken to in TLS is only of meaning for `https://`. */
function doubtfulPeerTls(value: unknown): Finding[] {
  const found: Finding[] = [];
  const look = (peer: 'incumbent' | 'candidate', url: unknown, tls: unknown, path: KeyPath) => {
    const given = Object.keys(DEFAULTS.peerTls).filter((key) => {
      const written = member(tls, key);
      return written !== undefined && written !== '' && written !== true;
    });
    for (const key of isSecure(String(url ?? '')) ? [] : given) {
      const expected = `nothing where the ${peer} is not https://`;
      found.push({ path: [...path, key], value: member(tls, key), expected });
    }
    if (given.includes('certFile') !== given.includes('keyFile')) {
      found.push({ path, value: '', expected: 'certFile and keyFile together, or neither' });
    }
  };
  const lookAtUpstream = (holder: unknown, path: KeyPath): void =>
    look('incumbent', member(holder, 'incumbent'), member(holder, 'upstream'), [
      ...path,
      'upstream',
    ]);
  for (const [i, listener] of items(value, 'listeners').entries()) {
    lookAtUpstream(listener, ['listeners', i]);
    for (const [j, entry] of items(member(listener, 'tls'), 'names').entries()) {
      lookAtUpstream(entry, ['listeners', i, 'tls', 'names', j]);
    }
  }
  for (const [i, candidate] of items(value, 'candidates').entries()) {
    const { url, tls } = { url: member(candidate, 'url'), tls: member(candidate, 'tls') };
    look('candidate', url, tls, ['candidates', i, 'tls']);
  }
  return found;
}
