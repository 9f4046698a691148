/** Addresses as operators write them: `host:port`, `[::1]:port`, a port alone, `http://host:port`, `unix:path`. */
import { isIP } from 'node:net';
import type { Address, Endpoint } from './types.ts';

/** A host name (RFC 1123) or an IPv4 address: letters, digits, `-`, `.` and `_`. */
const HOST = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?$/;
/** What stands between brackets; the system checks the rest when it is used. */
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,20})?$/;

/**
 * @param text - `host:port`, `[IPv6]:port`, or `port` alone
 * @param defaultHost - the host of a port alone; `undefined`: a host must be written
 * @returns `null` when it is none of these; the name is not resolved here
 */
export function parseAddress(text: string, defaultHost?: string): Address | null {
  if (defaultHost !== undefined && /^\d+$/.test(text)) return withPort(defaultHost, text);
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, ipv6, name, port = ''] = match;
  if (ipv6 !== undefined) {
    return IPV6.test(ipv6) && ipv6.includes(':') ? withPort(ipv6, port) : null;
  }
  return name !== undefined && HOST.test(name) ? withPort(name, port) : null;
}

/** The same, or `unix:` and a path. */
export function parseEndpoint(text: string, defaultHost?: string): Endpoint | null {
  const unix = /^unix:(.+)$/s.exec(text);
  if (unix === null) return parseAddress(text, defaultHost);
  const [, path = ''] = unix;
  // `unix://host` is somebody else's notation of an address; a NUL cannot stand in a path.
  return path.includes('\0') || /^\/\/[^/]/.test(path) ? null : { path: path.replace(/^\/+/, '/') };
}

/**
 * An incumbent: `http://host[:port]` or `https://host[:port]` without path, query or credentials,
 * `host:port`, or `unix:path`.
 *
 * @returns `null` when it is none of these, or its port is 0
 */
export function parseIncumbent(text: string): Endpoint | null {
  const [scheme = '', secure] = /^http(s)?:\/\//i.exec(text) ?? [];
  const rest = text.slice(scheme.length).replace(/\/$/, '');
  const endpoint =
    scheme === ''
      ? parseEndpoint(text)
      : (parseAddress(rest) ?? parseAddress(`${rest}:${secure === undefined ? 80 : 443}`));
  return endpoint === null || ('port' in endpoint && endpoint.port === 0) ? null : endpoint;
}

/** Whether TLS is spoken with an incumbent as it is written. */
export function isSecure(incumbent: string): boolean {
  return /^https:\/\//i.test(incumbent);
}

/** `host:port`, IPv6 in brackets, or `unix:path`: the form that `parseEndpoint` reads. */
export function formatAddress(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function withPort(host: string, port: string): Address | null {
  const number = Number(port);
  return number <= 65_535 ? { host, port: number } : null;
}

/** An address, IPv4 or IPv6 without a zone, perhaps with the bits of its prefix: `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || more !== undefined || address.includes('%')) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}
