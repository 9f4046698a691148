/** Which address of an incumbent a connection is given, and which are passed over. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import type { Endpoint } from '../../src/config/types.ts';
import { AddressList } from '../../src/gateway/address-list.ts';

const endpoint = (host: string): Endpoint => ({ host, port: 9 });
const named = (endpoints: readonly Endpoint[]): string =>
  endpoints.map((each) => ('host' in each ? each.host : each.path)).join('');

function listOf(hosts: string, skipMs = 1_000) {
  const list = new AddressList(skipMs);
  const endpoints = [...hosts].map(endpoint);
  list.replace(endpoints);
  const at = (host: string): Endpoint => {
    const found = endpoints.find((each) => named([each]) === host);
    if (found === undefined) throw new Error(`no ${host}`);
    return found;
  };
  return { list, at };
}

describe('the addresses of an incumbent', () => {
  it('take turns, each connection beginning with the next', () => {
    const { list } = listOf('abc');
    expect(Array.from({ length: 4 }, () => named(list.order(0)))).toEqual([
      'abc',
      'bca',
      'cab',
      'abc',
    ]);
  });

  it('are tried last while they are passed over, and not left out', () => {
    const { list, at } = listOf('abc');
    list.failed(at('b'), 0);
    expect(Array.from({ length: 3 }, () => named(list.order(999)))).toEqual(['acb', 'cab', 'cab']);
    expect(list.skipped(999)).toBe(1);
    expect(list.skipped(1_000)).toBe(0);
    expect(named(list.order(1_000))).toBe('abc');
    expect(list.skips).toBe(1);
  });

  it('are passed over for twice as long with each failure, up to a limit, until one works', () => {
    const { list, at } = listOf('ab');
    let now = 0;
    const spans: number[] = [];
    for (let i = 0; i < 6; i++) {
      list.failed(at('a'), now);
      const start = now;
      while (list.skipped(now) > 0) now += 500;
      spans.push(now - start);
    }
    const longest = 1_000 * LIMITS.skipAddressFactor;
    expect(spans).toEqual([1_000, 2_000, 4_000, 8_000, longest, longest]);
    list.worked(at('a'));
    list.failed(at('a'), now);
    expect(list.skipped(now + 999)).toBe(1);
    expect(list.skipped(now + 1_000)).toBe(0);
  });

  it('are set aside once by all who tried them at the same time', () => {
    const { list, at } = listOf('ab');
    for (let i = 0; i < 5; i++) list.failed(at('a'), 10);
    expect(list.skips).toBe(1);
    expect(list.skipped(1_010)).toBe(0);
  });

  it('are kept with what is known of them when the name gives another set', () => {
    const { list, at } = listOf('abc');
    list.failed(at('a'), 0);
    list.replace(['a', 'd'].map(endpoint));
    expect(named(list.order(1))).toBe('da');
    list.failed(at('b'), 0); // gone: nothing to say of it
    expect(list.skips).toBe(1);
  });

  it('are not repeated, and limited in number', () => {
    const list = new AddressList(0);
    list.replace(Array.from({ length: 1_000 }, (_, i) => endpoint(String(i % 500))));
    expect(list.size).toBe(LIMITS.resolvedAddresses);
    expect(list.order(0)).toHaveLength(LIMITS.dialAttempts);
  });

  it('of a single one is always that one', () => {
    const { list, at } = listOf('a');
    list.failed(at('a'), 0);
    expect(named(list.order(1))).toBe('a');
    expect(new AddressList(1).order(0)).toEqual([]);
  });

  it('are never passed over where that is switched off', () => {
    const { list, at } = listOf('ab', 0);
    list.failed(at('a'), 0);
    expect([named(list.order(0)), named(list.order(0))]).toEqual(['ab', 'ba']);
  });
});
