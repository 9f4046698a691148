/**
 * Pairs on their way through the journal to a topic, whatever happens in between: what is delivered was produced, and what
 * is durable is delivered, with the same bytes each time.
 */
import { closeSync, copyFileSync, existsSync, openSync, truncateSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Confirmation } from '../../src/record/journal/journal-batch.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalKeeper } from '../../src/record/journal/journal-keeper.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const OPTIONS = {
  maxBytes: 2 ** 26,
  whenFull: 'drop_newest',
  retentionMs: 3_600_000,
  maxAgeMs: 0,
  outbox: true,
  configured: [],
} as const;

class World {
  #folder = temporaryFolder();
  #keeper = this.#open();
  #queue: PairEntry[] = [];
  #sent: number[] = [];
  #number = 0;
  #produced = 0;
  readonly #bytes = new Map<string, string>();
  readonly #delivered = new Map<string, string>();
  /** Acknowledged, and of a journal that has not been spoilt since. */
  #durable = new Set<string>();
  spoilt = 0;

  constructor() {
    onTestFinished(() => this.#keeper.close());
  }

  append(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#produced += 1;
      const entry = entryOf(this.#produced);
      this.#bytes.set(entry.id, entry.json);
      this.#queue.push(entry);
    }
  }

  flush(): void {
    const entries = this.#queue.splice(0);
    for (const { id } of this.#commit(entries, [])) this.#durable.add(id);
  }

  /** The topic has them; nobody has written that down yet. */
  publish(count: number): void {
    for (const { seq, id, json } of this.#unpublished(count)) {
      expect(this.#delivered.get(id) ?? json).toBe(json);
      this.#delivered.set(id, json);
      this.#sent.push(seq);
    }
  }

  confirm(): void {
    this.#commit([], this.#sent.splice(0));
  }

  /** As after SIGKILL: the files as they are, nothing closed. What was queued and sent in memory is gone. */
  crash(): void {
    const next = temporaryFolder();
    for (const name of ['', '-wal']) {
      const from = journalPath(this.#folder) + name;
      if (existsSync(from)) copyFileSync(from, journalPath(next) + name);
    }
    this.#keeper.close();
    this.#folder = next;
    this.#begin();
  }

  restart(): void {
    this.#keeper.close();
    this.#begin();
  }

  /** While it is closed: the beginning is overwritten, or the rest is cut off. */
  corrupt(at: number): void {
    this.#keeper.close();
    const path = journalPath(this.#folder);
    if (at % 2 === 0) truncateSync(path, 6_000);
    else {
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(4_096, 0x5a));
      closeSync(file);
    }
    this.#durable = new Set();
    this.spoilt += 1;
    this.#begin();
    expect(this.#keeper.status().quarantined).toBe(1);
  }

  /** What holds at any moment. */
  check(): void {
    for (const [id, json] of this.#delivered) expect(this.#bytes.get(id)).toBe(json);
    const reader = JournalReader.open(this.#folder);
    const stored = reader.pairsAfter(0, 10_000).map(({ json }) => JSON.parse(json).id as string);
    const books = reader.books().legs.filter(({ state }) => state === 'paired');
    reader.close();
    expect(new Set(stored)).toEqual(this.#durable);
    expect(books.reduce((sum, { count }) => sum + count, 0)).toBe(stored.length);
  }

  /** Everything works again: it is flushed and published to the end. */
  drain(): void {
    this.flush();
    for (;;) {
      this.publish(100);
      if (this.#sent.length === 0) break;
      this.confirm();
    }
    for (const id of this.#durable) expect(this.#delivered.has(id)).toBe(true);
  }

  #unpublished(count: number) {
    const reader = JournalReader.open(this.#folder);
    const pairs = reader.unpublished(this.#sent.at(-1) ?? 0, Number.MAX_SAFE_INTEGER, count);
    reader.close();
    return pairs;
  }

  #commit(entries: readonly PairEntry[], published: readonly number[]): readonly PairEntry[] {
    this.#number += 1;
    const batch = { session: 's', number: this.#number, entries, counts: [], ledgers: [] };
    const { generation = '' } = this.#keeper.journal ?? {};
    const confirmations: Confirmation[] = [
      { generation, number: this.#number, published, dead: [] },
    ];
    const outcome = this.#keeper.commit(batch, confirmations);
    expect(outcome).toEqual({ committed: true, dropped: [] });
    return entries;
  }

  #begin(): void {
    this.#queue = [];
    this.#sent = [];
    this.#keeper = this.#open();
  }

  #open(): JournalKeeper {
    const keeper = new JournalKeeper({ ...OPTIONS, dataDir: this.#folder }, () => undefined);
    expect(keeper.open()).toBe(true);
    return keeper;
  }
}

test('delivered ⊇ durable, delivered ⊆ produced, whatever is appended, sent, confirmed, killed and spoilt', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        n: fc.integer({ min: 1, max: 20 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('flush' as const), n: fc.constant(0) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('publish' as const),
        n: fc.integer({ min: 1, max: 15 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('confirm' as const), n: fc.constant(0) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), n: fc.constant(0) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('restart' as const), n: fc.constant(0) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('corrupt' as const), n: fc.nat(100) }) },
  );
  let spoilt = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), (steps) => {
      const world = new World();
      for (const { kind, n } of steps) {
        world[kind](n);
        world.check();
      }
      world.drain();
      world.check();
      spoilt += world.spoilt;
    }),
    { numRuns: 25, seed: 20_261_126 },
  );
  expect(spoilt).toBeGreaterThan(10);
});
