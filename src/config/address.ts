/** Addresses as operators write them: `host:port`, `[::1]:port`, a port alone, `http://host:port`. */
import type { Address } from './types.ts';

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

/**
 * An incumbent: `http://host[:port]` without path, query or credentials, or `host:port`.
 *
 * @returns `null` when it is neither, or its port is 0
 */
export function parseIncumbent(text: string): Address | null {
  const withoutScheme = /^http:\/\//i.test(text) ? text.slice(7).replace(/\/$/, '') : null;
  const address =
    withoutScheme === null
      ? parseAddress(text)
      : (parseAddress(withoutScheme) ?? parseAddress(`${withoutScheme}:80`));
  return address === null || address.port === 0 ? null : address;
}

/** `host:port`, IPv6 in brackets: the form that `parseAddress` reads. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function withPort(host: string, port: string): Address | null {
  const number = Number(port);
  return number <= 65_535 ? { host, port: number } : null;
}
