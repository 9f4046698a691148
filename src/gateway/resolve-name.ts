/**
 * Look-ups of a name. The system's resolver says which addresses there are, since it knows the hosts file
 * and the search list (Kubernetes' short names need it); it does not say for how long. Where DNS itself
 * gives addresses that the system gives too, for the name as it stands, their TTL is taken.
 */
import { lookup, Resolver } from 'node:dns/promises';

export interface NameResolver {
  /**
   * @returns numeric, in the system's order of preference (RFC 6724), at least one
   * @throws as `dns.lookup` does, when the system knows none
   */
  addresses(host: string): Promise<readonly string[]>;
  /** @returns for how long these addresses hold; `null` where that is not known */
  ttlMs(host: string, addresses: readonly string[]): Promise<number | null>;
}

export const SYSTEM_RESOLVER: NameResolver = {
  addresses: async (host) => {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  },
  ttlMs: async (host, addresses) => {
    const resolver = new Resolver({ timeout: 2_000, tries: 1 });
    const settled = await Promise.allSettled([
      resolver.resolve4(host, { ttl: true }),
      resolver.resolve6(host, { ttl: true }),
    ]);
    const records = settled.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    if (!records.some(({ address }) => addresses.includes(address))) return null;
    return Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
  },
};
