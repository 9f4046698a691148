/**
 * The checks that configuration keys share. Each message says what was expected, in words that complete
 * "expected …".
 */
import { z } from 'zod';
import { parseAddress, parseEndpoint, parseIncumbent } from './address.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const HOUR_MS = 3_600_000;

/** An integer within both bounds. */
export function integer(min: number, max: number) {
  const error = `an integer from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A finite number within both bounds. */
export function number(min: number, max: number) {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** Text that matches a pattern. */
export function text(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

/** A switch. */
export function flag() {
  return z.boolean({ error: 'true or false' });
}

/** A size. */
export const bytes = (min = KiB, max = 64 * GiB) => integer(min, max);
/** A time that is not 0. */
export const milliseconds = (max = HOUR_MS) => integer(1, max);

/** A name that becomes part of ids, metric labels and file names. */
export const name = (what: string) =>
  text(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/,
    `a ${what} of at most 40 letters, digits, "-" and "_", that begins with a letter or digit`,
  );

/** A name that only stands on records. */
export const label = (what: string) =>
  text(/^[A-Za-z0-9._-]{1,100}$/, `${what}: 1 to 100 letters, digits, ".", "_" and "-"`);

/** A path of the file system; a relative one starts at the configuration file's folder. */
export const path = (what: string) =>
  // A NUL cannot stand in a path of the file system.
  text(/^[^\0]{1,4096}$/, what);

/** The same, or empty. */
export const optionalPath = (what: string) => text(/^[^\0]{0,4096}$/, what);

/** RFC 6901. Empty is a pointer, too: the whole document; here it means "not there". */
export const pointer = text(
  /^(\/([^/~]|~[01])*)*$/,
  'a JSON Pointer: empty, or "/" and a key, as in /features/0',
);

/** RFC 6901, but not the whole document. */
export const somePointer = text(
  /^(\/([^/~]|~[01])*)+$/,
  'a JSON Pointer that begins with "/", as in /features/0',
);

/** A listening address; a port alone gets the default host. */
export function address(defaultHost: string) {
  const error = 'an address: host:port, [IPv6]:port, or a port alone';
  return z
    .union([z.string(), z.int()], { error })
    .refine((value) => parseAddress(String(value), defaultHost) !== null, { error });
}

/** The same, or a Unix socket. */
export function endpoint(defaultHost: string) {
  const error = 'an address: host:port, [IPv6]:port, a port alone, or unix:path';
  return z
    .union([z.string(), z.int()], { error })
    .refine((value) => parseEndpoint(String(value), defaultHost) !== null, { error });
}

const incumbentError =
  'the address of the incumbent: http(s)://host:port, host:port or unix:path, without a path of a URL';
/** Where bytes go: an address, since paths are the caller's. */
export const incumbent = z
  .string({ error: incumbentError })
  .refine((value) => parseIncumbent(value) !== null, { error: incumbentError });

const urlError =
  'a URL: http:// or https://, host, port and perhaps a base path; credentials go into headers';
/** Where copies go. */
export const url = z.string({ error: urlError }).refine(isCandidateUrl, { error: urlError });

function isCandidateUrl(value: string): boolean {
  if (!/^https?:\/\/[^/\\\s]\S*$/i.test(value) || !URL.canParse(value)) return false;
  const { username, password, search, hash } = new URL(value);
  return username === '' && password === '' && search === '' && hash === '';
}

/** RFC 9110, 9.1; upper case, since methods are case-sensitive and ours are all upper case. */
export const method = text(/^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]{0,19}$/, 'an HTTP method in upper case');

/** Literal segments, `{name}` for one segment, `*` for the rest, at the end only. */
export const routePath = text(
  /^\/(?:(?:\{[A-Za-z0-9_]+\}|[^/{}*?#\s]*)\/)*(?:\{[A-Za-z0-9_]+\}|[^/{}*?#\s]*|\*)$/,
  'a path: /v1/score, /v1/models/{name}/score, or /v1/* (the rest)',
);

/** RFC 9110, 5.6.2. What frames the message or names the host is not the operator's to set here. */
export const headerName = text(
  /^(?!(?:content-length|transfer-encoding|connection|host|keep-alive|upgrade|te|trailer|x-understudy-.*)$)[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/i,
  'a header name other than Host, Content-Length, Transfer-Encoding, Connection and their kin',
);
/** RFC 9110, 5.5: no control characters, or one header could become two. */
export const headerValue = text(
  /^[\t\x20-\x7e\x80-\xff]{0,8192}$/,
  'a header value without control characters',
);
