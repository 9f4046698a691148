/**
 * The PROXY protocol, versions 1 and 2: a header before the first byte of a connection, by which a load
 * balancer says who it speaks for. Strict: what is not exactly as specified is refused, since a header that
 * is misread puts its rest in front of the caller's bytes. Pure: bytes in, a value out.
 *
 * Source: W. Tarreau, "The PROXY protocol, versions 1 & 2", haproxy.org, 2.1 and 2.2. Checksums (CRC32c) are
 * not verified; TLVs must fit and are passed over.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { LIMITS } from '../config/defaults.ts';
import type { Address } from '../config/types.ts';

/** The two ends of a connection. Numeric hosts of one family. */
export interface ConnectionAddresses {
  readonly source: Address;
  readonly destination: Address;
}

/** Why a header is refused: a metric label. */
export type ProxyFault = 'no_header' | 'malformed' | 'too_long' | 'family';

export type ProxyHeader =
  | { readonly state: 'more' }
  | { readonly state: 'bad'; readonly fault: ProxyFault }
  /** `addresses` is `null` where the balancer speaks for itself (LOCAL) or does not know (UNKNOWN). */
  | {
      readonly state: 'whole';
      readonly bytes: number;
      readonly addresses: ConnectionAddresses | null;
    };

const MORE: ProxyHeader = { state: 'more' };
const V1_START = Buffer.from('PROXY ');
/** With CR LF; 2.1. */
const V1_BYTES_MAX = 107;
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;

/** @param bytes - all that has come so far; what stands behind the header does not matter */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2_START)) return bytes.length < V2_FIXED_BYTES ? MORE : parseV2(bytes);
  if (startsLike(bytes, V1_START)) return parseV1(bytes);
  return bad('no_header');
}

/** As far as both go, they are the same. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function bad(fault: ProxyFault): ProxyHeader {
  return { state: 'bad', fault };
}

function parseV1(bytes: Buffer): ProxyHeader {
  const line = bytes.subarray(0, V1_BYTES_MAX);
  const end = line.indexOf('\r\n');
  if (end < 0) {
    // A CR that is not the last byte so far, or a bare LF, will never become a line's end.
    const cr = line.indexOf('\r');
    if ((cr >= 0 && cr < line.length - 1) || line.includes('\n')) return bad('malformed');
    return bytes.length < V1_BYTES_MAX ? MORE : bad('too_long');
  }
  const text = line.toString('latin1', 0, end);
  const whole = (addresses: ConnectionAddresses | null): ProxyHeader => {
    return { state: 'whole', bytes: end + 2, addresses };
  };
  if (/[^\x20-\x7e]/.test(text)) return bad('malformed');
  if (text === 'PROXY UNKNOWN' || text.startsWith('PROXY UNKNOWN ')) return whole(null);
  const fields = text.split(' ');
  const [, family = '', from = '', to = '', fromPort = '', toPort = ''] = fields;
  if (family !== 'TCP4' && family !== 'TCP6') return bad('family');
  const isAddress = family === 'TCP4' ? isIPv4 : isPlainIPv6;
  if (fields.length !== 6 || !isAddress(from) || !isAddress(to)) return bad('malformed');
  if (!isPort(fromPort) || !isPort(toPort)) return bad('malformed');
  return whole({
    source: { host: from, port: Number(fromPort) },
    destination: { host: to, port: Number(toPort) },
  });
}

/** Without a zone: `%eth0` means nothing to anybody else. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** Bytes of addresses by family and transport; 2.2. Datagrams cannot come on a stream. */
const V2_ADDRESS_BYTES: Readonly<Record<number, number>> = { 0: 0, 17: 12, 33: 36, 49: 216 };

function parseV2(bytes: Buffer): ProxyHeader {
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return bad('malformed');
  const isLocal = command === 0x20;
  const addressBytes = V2_ADDRESS_BYTES[family];
  // LOCAL: the receiver must take any family, and pass over what follows.
  if (addressBytes === undefined && !isLocal) return bad('family');
  if (length > LIMITS.proxyHeaderBytes - V2_FIXED_BYTES) return bad('too_long');
  const end = V2_FIXED_BYTES + length;
  if (!isLocal && addressBytes !== undefined && length < addressBytes) return bad('malformed');
  if (bytes.length < end) return MORE;
  if (isLocal || addressBytes === undefined) return { state: 'whole', bytes: end, addresses: null };
  if (!fitTlvs(bytes, V2_FIXED_BYTES + addressBytes, end)) return bad('malformed');
  return { state: 'whole', bytes: end, addresses: addressesOf(bytes, family) };
}

/** Type (1), length (2), value, to the very end. Of no address (0x00) the rest is not looked at. */
function fitTlvs(bytes: Buffer, from: number, end: number): boolean {
  if (from === V2_FIXED_BYTES) return true;
  let at = from;
  while (at + 3 <= end) at += 3 + bytes.readUInt16BE(at + 1);
  return at === end;
}

function addressesOf(bytes: Buffer, family: number): ConnectionAddresses | null {
  if (family === 0x11) return pairOf(bytes, 4, ipv4Of);
  return family === 0x21 ? pairOf(bytes, 16, ipv6Of) : null;
}

function pairOf(bytes: Buffer, size: number, textOf: (bytes: Buffer) => string) {
  const from = V2_FIXED_BYTES;
  const to = from + size;
  const ports = to + size;
  return {
    source: { host: textOf(bytes.subarray(from, to)), port: bytes.readUInt16BE(ports) },
    destination: { host: textOf(bytes.subarray(to, ports)), port: bytes.readUInt16BE(ports + 2) },
  };
}

function ipv4Of(bytes: Buffer): string {
  return bytes.join('.');
}

/** Eight groups, not abbreviated: valid text, and nobody has to compare it. */
function ipv6Of(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
}

/**
 * A header to write.
 *
 * @param addresses - `null`: not known, as of a Unix socket; sent as UNKNOWN (v1) or without addresses (v2)
 */
export function encodeProxyHeader(
  version: 'v1' | 'v2',
  addresses: ConnectionAddresses | null,
): Buffer {
  const known = addresses === null ? null : ofOneFamily(addresses);
  return version === 'v1' ? encodeV1(known) : encodeV2(known);
}

function encodeV1(addresses: ConnectionAddresses | null): Buffer {
  if (addresses === null) return Buffer.from('PROXY UNKNOWN\r\n');
  const { source, destination } = addresses;
  const family = isIPv4(source.host) ? 'TCP4' : 'TCP6';
  const hosts = `${source.host} ${destination.host}`;
  return Buffer.from(`PROXY ${family} ${hosts} ${source.port} ${destination.port}\r\n`);
}

function encodeV2(addresses: ConnectionAddresses | null): Buffer {
  if (addresses === null) return Buffer.concat([V2_START, Buffer.from([0x21, 0x00, 0, 0])]);
  const { source, destination } = addresses;
  const isV4 = isIPv4(source.host);
  const bytesOf = isV4 ? bytesOfIPv4 : bytesOfIPv6;
  const body = Buffer.concat([bytesOf(source.host), bytesOf(destination.host), Buffer.alloc(4)]);
  body.writeUInt16BE(source.port, body.length - 4);
  body.writeUInt16BE(destination.port, body.length - 2);
  return Buffer.concat([V2_START, Buffer.from([0x21, isV4 ? 0x11 : 0x21, 0, body.length]), body]);
}

/** IPv4 within IPv6 is IPv4 where both ends are; otherwise both are IPv6. Zones are dropped. */
function ofOneFamily({ source, destination }: ConnectionAddresses): ConnectionAddresses {
  const hosts = [source.host, destination.host].map((host) => {
    return host.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  });
  const isMixed = new Set(hosts.map(isIPv4)).size > 1;
  const [from = '', to = ''] = hosts.map((host) => {
    return isMixed && isIPv4(host) ? `::ffff:${host}` : host;
  });
  return {
    source: { host: from, port: source.port },
    destination: { host: to, port: destination.port },
  };
}

function bytesOfIPv4(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number));
}

function bytesOfIPv6(host: string): Buffer {
  // The last 32 bits may be written as IPv4.
  const text = host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number);
    return `${(((a ?? 0) << 8) | (b ?? 0)).toString(16)}:${(((c ?? 0) << 8) | (d ?? 0)).toString(16)}`;
  });
  const [head = '', tail] = text.split('::');
  const groupsOf = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const left = groupsOf(head);
  const right = groupsOf(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...left, ...zeros, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i);
  }
  return bytes;
}
