import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBudget, HeldBytes } from '../../src/gateway/held-bytes.ts';

/** Which memory behind buffers is still held by somebody. */
class BufferMemory {
  readonly #behind = new Map<number, WeakRef<ArrayBufferLike>>();
  #last: WeakRef<ArrayBufferLike> | undefined;

  watch(buffer: Buffer): Buffer {
    // Many small buffers share one pool.
    if (this.#last?.deref() === buffer.buffer) return buffer;
    this.#last = new WeakRef(buffer.buffer);
    this.#behind.set(this.#behind.size, this.#last);
    return buffer;
  }

  /** Runs V8's collector: what has a referent afterwards is held. */
  async aliveBytes(): Promise<number> {
    setFlagsFromString('--expose-gc');
    // A referent that was looked at lives until its job has ended.
    await new Promise((resolve) => setImmediate(resolve));
    runInNewContext('gc')();
    const alive = new Set([...this.#behind.values()].map((reference) => reference.deref()));
    return [...alive].reduce((sum, memory) => sum + (memory?.byteLength ?? 0), 0);
  }
}

describe('HeldBytes', () => {
  it('gives back what was added, whatever the pieces', () => {
    const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(3_000), fc.nat(70_000)), {
      maxLength: 30,
      size: 'max',
    });
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

  it('pins no large read, and costs at most a few times its bytes in one-byte pieces', async () => {
    const memory = new BufferMemory();
    const held = new HeldBytes();
    for (let i = 0; i < 1_000_000; i++) held.add(memory.watch(Buffer.from([i])));
    const pinned: HeldBytes[] = [];
    for (let i = 0; i < 1_000; i++) {
      const ofRead = new HeldBytes();
      ofRead.add(memory.watch(Buffer.allocUnsafeSlow(65_536).subarray(0, 5_000)));
      const ofPool = new HeldBytes();
      ofPool.add(memory.watch(Buffer.from('x'.repeat(100))));
      Buffer.allocUnsafe(30_000); // the pool moves on: other callers
      Buffer.allocUnsafe(30_000);
      pinned.push(ofRead, ofPool);
    }
    expect(held.length).toBe(1_000_000);
    // 65 MB of reads and 65 MB of pools were added; a view of any would keep it alive.
    expect(await memory.aliveBytes()).toBeLessThan(1e6);
    expect(pinned).toHaveLength(2_000);
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
