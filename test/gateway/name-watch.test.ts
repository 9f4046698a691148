/** When a name is looked up again, and what a failed look-up does. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { NameWatch } from '../../src/gateway/name-watch.ts';

const INTERVAL_MS = 30_000;

/** A name whose look-ups give one answer after the other, the last one for ever. */
function watch(answers: readonly (readonly string[] | Error)[], ttlMs: number | null = null) {
  const told: string[] = [];
  let lookups = 0;
  const name = new NameWatch({
    host: 'scoring.internal',
    intervalMs: INTERVAL_MS,
    resolver: {
      addresses: async () => {
        const answer = answers[Math.min(lookups, answers.length - 1)] ?? [];
        lookups += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      ttlMs: async () => ttlMs,
    },
    addresses: (found) => told.push(found.join()),
    failed: (reason) => told.push(reason),
  });
  return { name, told, lookups: () => lookups };
}

const notFound = () => Object.assign(new Error('not found'), { code: 'ENOTFOUND' });

describe('a watched name', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['unknown', null, INTERVAL_MS],
    ['shorter', 5_000, 5_000],
    ['longer', 3_600_000, INTERVAL_MS],
    ['0', 0, LIMITS.resolveMinMs],
  ])('is looked up again in time where its TTL is %s', async (_, ttlMs, expectedMs) => {
    const { name, lookups } = watch([['a']], ttlMs);
    name.start();
    await vi.advanceTimersByTimeAsync(expectedMs - 1);
    expect(lookups()).toBe(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(lookups()).toBe(2);
    name.stop();
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS);
    expect(lookups()).toBe(2);
  });

  it('is asked again soon while it has no address, and keeps those it had', async () => {
    const { name, told, lookups } = watch([notFound(), notFound(), ['a', 'b'], notFound()]);
    name.start();
    await vi.advanceTimersByTimeAsync(2 * LIMITS.resolveMinMs);
    expect(told).toEqual(['ENOTFOUND', 'ENOTFOUND', 'a,b']);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS);
    expect(told.at(-1)).toBe('ENOTFOUND');
    expect(name.failures).toBe(3);
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
    expect(lookups()).toBe(4);
    name.stop();
  });

  it('lets those wait who come during a look-up, and nobody else', async () => {
    const { name } = watch([['a']]);
    let called = 0;
    const done = (): void => {
      called += 1;
    };
    expect(name.afterLookup(done)).toBe(false);
    name.start();
    expect(name.afterLookup(done)).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(called).toBe(1);
    expect(name.afterLookup(done)).toBe(false);
    name.stop();
  });
});
