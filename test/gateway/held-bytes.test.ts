import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBudget, HeldBytes } from '../../src/gateway/held-bytes.ts';

/** Runs V8's collector: what is measured afterwards is held. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

describe('HeldBytes', () => {
  it('gives back what was added, whatever the pieces', () => {
    const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(3_000), fc.nat(70_000)), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (list, views) => {
        const held = new HeldBytes();
        const pieces = list.map((size, i) => {
          // A view of something larger, as where several messages came in one read.
          const whole = Buffer.alloc(views ? size + 65_536 : size, i + 1);
          return views ? whole.subarray(0, size) : whole;
        });
        for (const piece of pieces) held.add(piece);
        const expected = Buffer.concat(pieces);
        expect(held.length).toBe(expected.length);
        const target = Buffer.alloc(expected.length + 2, 0xee);
        expect(held.copyTo(target, 1)).toBe(expected.length + 1);
        expect(target.subarray(1, -1).equals(expected)).toBe(true);
        expect([target[0], target.at(-1)]).toEqual([0xee, 0xee]);
      }),
      { numRuns: 200 },
    );
  });

  it('costs at most a few times its bytes in one-byte pieces, and never pins a large read', async () => {
    const before = process.memoryUsage();
    const held = new HeldBytes();
    for (let i = 0; i < 1_000_000; i++) held.add(Buffer.from([i]));
    const pinned: HeldBytes[] = [];
    for (let i = 0; i < 1_000; i++) {
      const ofRead = new HeldBytes();
      ofRead.add(Buffer.allocUnsafeSlow(65_536).subarray(0, 5_000));
      const ofPool = new HeldBytes();
      ofPool.add(Buffer.from('x'.repeat(100)));
      Buffer.allocUnsafe(30_000); // the pool moves on: other callers
      Buffer.allocUnsafe(30_000);
      pinned.push(ofRead, ofPool);
    }
    const grownBytes = () => process.memoryUsage().arrayBuffers - before.arrayBuffers;
    // Memory of buffers is given back some time after they were collected.
    for (let round = 0; round < 50 && grownBytes() >= 15e6; round++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(held.length).toBe(1_000_000);
    expect(pinned).toHaveLength(2_000);
    // 5 MB are held in large pieces, 1 MB in small ones; 130 MB where views are kept.
    expect(grownBytes()).toBeLessThan(15e6);
  });
});

describe('HeldBudget', () => {
  it('is exact at its limit', () => {
    const budget = new HeldBudget(10);
    expect(budget.take(10)).toBe(true);
    expect(budget.take(1)).toBe(false);
    expect(budget.bytes).toBe(10);
    budget.release(4);
    expect(budget.take(4)).toBe(true);
  });
});
