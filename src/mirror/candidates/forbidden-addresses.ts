/**
 * Where no copy goes unless its candidate's configuration says so: link-local addresses, and those at which clouds
 * give out a machine's credentials. Judged by the address that is connected to, so neither a name that resolves to
 * one, nor another way to write it, gets round it.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { embeddedIpv4 } from './embedded-ipv4.ts';

/** Link-local: RFC 3927, RFC 4291 §2.5.6. */
const NETWORKS = ['169.254.0.0/16', 'fe80::/10'] as const;

/** Metadata of AWS, Alibaba, Azure, Oracle and Google that is not link-local. */
const ADDRESSES = [
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd20:ce::254',
] as const;

const NAMES: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog']);

const FORBIDDEN = toList([...NETWORKS, ...ADDRESSES]);

/** Code of the error with which a connection is refused. */
export const FORBIDDEN_CODE = 'UND_CANDIDATE_ADDRESS';

/** What is refused to one candidate. */
export class ForbiddenAddresses {
  readonly #allowed: BlockList;
  readonly #allowedNames: ReadonlySet<string>;

  /** @param allowed - addresses, networks and names that it may have all the same */
  constructor(allowed: readonly string[]) {
    const numeric = allowed.filter((entry) => isIP(entry.replace(/\/\d+$/, '')) !== 0);
    this.#allowed = toList(numeric);
    this.#allowedNames = new Set(allowed.map(toName));
  }

  /** @param address - IPv4, IPv6, or IPv4 within IPv6; with a zone where it is link-local */
  hasAddress(address: string): boolean {
    const plain = address.replace(/%.*$/, '');
    const version = isIP(plain);
    if (version === 0) return false;
    if (version === 4) return this.#refuses(plain, 'ipv4');
    if (this.#allowed.check(plain, 'ipv6')) return false;
    return (
      this.#refuses(plain, 'ipv6') ||
      embeddedIpv4(plain).some((ipv4) => this.#refuses(ipv4, 'ipv4'))
    );
  }

  /** @param host - a name or an address, in brackets or not */
  hasHost(host: string): boolean {
    const bare = host.replace(/^\[|\]$/g, '');
    if (isIP(bare.replace(/%.*$/, '')) !== 0) return this.hasAddress(bare);
    return NAMES.has(toName(bare)) && !this.#allowedNames.has(toName(bare));
  }

  /** The first forbidden one of the addresses that a name resolves to. A name that is listed may have any. */
  findIn(host: string, found: readonly { readonly address: string }[]): string | undefined {
    if (this.#allowedNames.has(toName(host))) return undefined;
    return found.find(({ address }) => this.hasAddress(address))?.address;
  }

  /** Looks a name up as Node does, and refuses it as a whole where one of its addresses is forbidden. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    systemLookup(host, { ...options, all: true }, (error, found) => {
      const bad = error === null ? this.findIn(host, found) : undefined;
      if (bad !== undefined) callback(forbidden(host, bad), []);
      else if (error !== null || options.all === true) callback(error, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    });
  };

  #refuses(address: string, family: 'ipv4' | 'ipv6'): boolean {
    return FORBIDDEN.check(address, family) && !this.#allowed.check(address, family);
  }
}

/** The error of a refused connection. */
export function forbidden(host: string, address = host): NodeJS.ErrnoException {
  const of = address === host ? host : `${host}, which is ${address},`;
  return Object.assign(
    new Error(`${of} is a link-local or metadata address; allowAddresses would allow it`),
    { code: FORBIDDEN_CODE },
  );
}

function toName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function toList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
