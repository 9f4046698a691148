import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawEpoch } from '../../src/wire/epoch.ts';
import { drawnNumber } from '../../src/wire/selection.ts';

describe('drawnNumber', () => {
  it('is the first 48 bits of SHA-256(secret, NUL, key), and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (secret, key) => {
        const digest = createHash('sha256').update(`${secret}\0${key}`).digest('hex');
        const u = drawnNumber(secret, key);
        expect(u).toBe(Number.parseInt(digest.slice(0, 12), 16) / 2 ** 48);
        expect(u).toBeGreaterThanOrEqual(0);
        expect(u).toBeLessThan(1);
      }),
    );
  });

  it('is uniform: each tenth and each rate lies inside a band of 4 sigma', () => {
    const n = 200_000;
    const tenths = new Array<number>(10).fill(0);
    for (let i = 1; i <= n; i++) {
      const tenth = Math.floor(10 * drawnNumber('secret', `epoch.${i}`));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    const sigma = Math.sqrt(n * 0.1 * 0.9);
    for (const count of tenths) expect(Math.abs(count - n / 10)).toBeLessThan(4 * sigma);
  });

  it('is nested: a higher rate selects a superset', () => {
    const selected = (rate: number) =>
      new Set(
        Array.from({ length: 5_000 }, (_, i) => `e.${i}`).filter(
          (key) => drawnNumber('s', key) < rate,
        ),
      );
    let smaller = selected(0);
    expect(smaller.size).toBe(0);
    for (const rate of [0.001, 0.01, 0.25, 0.5, 0.99, 1]) {
      const larger = selected(rate);
      for (const key of smaller) expect(larger.has(key)).toBe(true);
      smaller = larger;
    }
    expect(smaller.size).toBe(5_000);
  });

  it('M-19: of a million ids 0, 1, 50 and 100 % select what they say, nested, and the same again', () => {
    const n = 1_000_000;
    const epoch = 'c5k0t9q2m8w4x7z1r3f6';
    const rates = [0, 0.01, 0.5, 1];
    const counts = rates.map(() => 0);
    let outOfNest = 0;
    for (let i = 1; i <= n; i++) {
      const u = drawnNumber('the secret of an experiment', `${epoch}.${i}`);
      let inLower = false;
      for (const [k, rate] of rates.entries()) {
        const isSelected = u < rate;
        if (inLower && !isSelected) outOfNest += 1;
        if (isSelected) counts[k] = (counts[k] ?? 0) + 1;
        inLower = isSelected;
      }
      if (i % 1_000 === 0) {
        expect(drawnNumber('the secret of an experiment', `${epoch}.${i}`)).toBe(u);
      }
    }
    expect(outOfNest).toBe(0);
    for (const [k, rate] of rates.entries()) {
      const sigma = Math.sqrt(n * rate * (1 - rate));
      expect(Math.abs((counts[k] ?? 0) - n * rate), `${rate}`).toBeLessThanOrEqual(4 * sigma);
    }
  });

  it('another secret selects other exchanges', () => {
    expect(drawnNumber('a', 'e.1')).not.toBe(drawnNumber('b', 'e.1'));
  });
});

describe('drawEpoch', () => {
  it('is 20 characters of 0-9a-v, another each time', () => {
    const epochs = Array.from({ length: 100 }, drawEpoch);
    for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-v]{20}$/);
    expect(new Set(epochs).size).toBe(100);
  });
});
