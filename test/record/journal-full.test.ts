/** A full journal by its policy, and what leaves by age: exact counts of what left, and of who still waited for it. */
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readDepartures } from '../../src/record/journal/departures.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { RoomOptions } from '../../src/record/journal/journal-room.ts';
import { writeWatermark } from '../../src/record/journal/watermark-file.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const MiB = 2 ** 20;
const HOUR_MS = 3_600_000;
const OPTIONS: RoomOptions = {
  maxBytes: 8 * MiB,
  whenFull: 'drop_oldest',
  retentionMs: 24 * HOUR_MS,
  maxAgeMs: 0,
  outbox: true,
};

/** A journal and a model of it: what was taken in, and what Kafka has acknowledged. */
class Rig {
  readonly folder = temporaryFolder();
  readonly taken: number[] = [];
  readonly published = new Set<number>();
  journal: Journal;
  dropped = 0;
  now = Date.now();
  #seq = 0;
  #number = 0;
  readonly #options: RoomOptions;

  constructor(changes: Partial<RoomOptions> = {}) {
    this.#options = { ...OPTIONS, ...changes };
    this.journal = new Journal(journalPath(this.folder), this.#options);
    onTestFinished(() => this.journal.close());
  }

  write(count: number, bytes = 2_000): number {
    const entries = Array.from({ length: count }, () => {
      this.#seq += 1;
      const json = JSON.stringify({ seq: this.#seq, pad: 'x'.repeat(bytes) });
      return entryOf(this.#seq, { timeMs: this.now, json });
    });
    const dropped = this.#commit(entries, []);
    this.dropped += dropped;
    for (let i = 0; i < count - dropped; i += 1) this.taken.push(this.taken.length + 1);
    return dropped;
  }

  publish(seqs: readonly number[]): void {
    for (const seq of seqs) this.published.add(seq);
    this.#commit([], seqs);
  }

  reopen(): void {
    this.journal.close();
    this.journal = new Journal(journalPath(this.folder), this.#options);
  }

  held(): number[] {
    const reader = JournalReader.open(this.folder);
    const seqs: number[] = [];
    for (let page = reader.pairsAfter(0, 500); page.length > 0; ) {
      seqs.push(...page.map(({ seq }) => seq));
      page = reader.pairsAfter(seqs.at(-1) ?? 0, 500);
    }
    reader.close();
    return seqs;
  }

  departures(): ReturnType<typeof readDepartures> {
    const db = new DatabaseSync(journalPath(this.folder), { readOnly: true });
    try {
      return readDepartures(db);
    } finally {
      db.close();
    }
  }

  counted(state: string): number {
    const legs = this.journal.books().legs.filter((cell) => cell.state === state);
    return legs.reduce((sum, { count }) => sum + count, 0);
  }

  /** What holds at every moment, whatever the policy. */
  check(): void {
    const held = new Set(this.held());
    const { expired, evicted } = this.departures();
    const gone = this.taken.filter((seq) => !held.has(seq));
    expect(evicted.count + expired.count).toBe(gone.length);
    expect(held.size + gone.length).toBe(this.taken.length);
    expect(this.counted('paired')).toBe(this.taken.length);
    expect(this.counted('journal_dropped')).toBe(this.dropped);
    const waiting = this.taken.filter((seq) => held.has(seq) && !this.published.has(seq));
    expect(this.journal.lag).toBe(waiting.length);
    expect(this.journal.fileBytes + this.journal.walBytes).toBeLessThanOrEqual(
      1.1 * this.#options.maxBytes,
    );
  }

  #commit(entries: ReturnType<typeof entryOf>[], published: readonly number[]): number {
    this.#number += 1;
    const { generation } = this.journal;
    const confirmation = { generation, number: this.#number, published, dead: [] };
    const batch = { session: 's', number: this.#number, entries, counts: [], ledgers: [] };
    return this.journal.commit(batch, [confirmation], this.now).length;
  }
}

describe('drop_oldest', () => {
  test('takes every new pair; the oldest leave, counted, those that Kafka has not apart', () => {
    const rig = new Rig();
    rig.write(100);
    rig.publish(rig.taken.slice(0, 60));
    for (let i = 0; i < 50; i += 1) expect(rig.write(100)).toBe(0);
    const held = rig.held();
    const gone = rig.taken.length - held.length;
    expect(gone).toBeGreaterThan(1_000);
    expect(held).toEqual(rig.taken.slice(gone));
    const evicted = { count: gone, unpublished: gone - 60, unanalysed: 0 };
    expect(rig.departures().evicted).toEqual(evicted);
    expect(rig.journal.evicted).toEqual(evicted);
    rig.check();
  });

  test('counts apart what the analysis had not read', () => {
    const rig = new Rig({ outbox: false });
    rig.journal.close();
    const analysed = { ...OPTIONS, outbox: false, analysisDir: rig.folder };
    rig.journal = new Journal(journalPath(rig.folder), analysed);
    rig.write(400);
    writeWatermark(rig.folder, { generation: rig.journal.generation, seq: 250 });
    rig.now += 2_000;
    for (let i = 0; i < 50; i += 1) rig.write(100);
    const { evicted } = rig.departures();
    expect(evicted.count).toBeGreaterThan(400);
    expect(evicted).toEqual({
      count: evicted.count,
      unpublished: 0,
      unanalysed: evicted.count - 250,
    });
  });

  test('knows what the analysis has read where the clock goes back an hour, too', () => {
    const rig = new Rig({ outbox: false });
    rig.journal.close();
    const analysed = { ...OPTIONS, outbox: false, analysisDir: rig.folder };
    rig.journal = new Journal(journalPath(rig.folder), analysed);
    for (let i = 0; i < 50; i += 1) rig.write(100);
    const { evicted } = rig.departures();
    expect(evicted.unanalysed).toBe(evicted.count);
    rig.now -= HOUR_MS;
    const { generation } = rig.journal;
    writeWatermark(rig.folder, { generation, seq: rig.taken.length });
    for (let i = 0; i < 5; i += 1) rig.write(100);
    const after = rig.departures().evicted;
    expect(after.count).toBeGreaterThan(evicted.count);
    expect(after.unanalysed).toBe(evicted.unanalysed);
  });

  test('large pairs push many small ones out; one that can never fit is dropped as new', () => {
    const rig = new Rig({ maxBytes: 2 * MiB });
    for (let i = 0; i < 8; i += 1) rig.write(500, 200);
    expect(rig.write(5, 100_000)).toBe(0);
    const { count } = rig.departures().evicted;
    expect(count).toBeGreaterThan(500);
    expect(rig.write(1, 3 * MiB)).toBe(1);
    rig.check();
  });

  test('what is rolled back has not left', () => {
    const rig = new Rig({ maxBytes: 2 * MiB });
    for (let i = 0; i < 10; i += 1) rig.write(100);
    const before = rig.journal.evicted;
    const { lag } = rig.journal;
    const entries = Array.from({ length: 450 }, (_, i) =>
      entryOf(10_000 + i, { json: 'x'.repeat(2_000) }),
    );
    const broken = { ...entryOf(20_000), timeMs: Number.NaN };
    const batch = { session: 's', number: 0, counts: [], ledgers: [] };
    expect(() =>
      rig.journal.commit({ ...batch, entries: [...entries, broken] }, [], rig.now),
    ).toThrow();
    expect(rig.journal.evicted).toEqual(before);
    expect(rig.journal.lag).toBe(lag);
    rig.check();
  });
});

describe('drop_newest', () => {
  test('keeps what is there, and lets go of nothing before its time', () => {
    const rig = new Rig({ whenFull: 'drop_newest' });
    for (let i = 0; i < 50; i += 1) rig.write(100);
    expect(rig.dropped).toBeGreaterThan(500);
    expect(rig.departures().evicted.count).toBe(0);
    rig.check();
  });

  test('finds what may leave behind what may not where the clock has gone back, too', () => {
    const rig = new Rig({ whenFull: 'drop_newest', retentionMs: HOUR_MS });
    rig.write(400);
    while (rig.write(100) === 0);
    rig.now += 10 * HOUR_MS;
    expect(rig.write(100)).toBeGreaterThan(0);
    // The oldest wait for Kafka still; what is behind them may leave now.
    rig.publish(rig.taken.slice(400));
    rig.now -= 2 * HOUR_MS;
    expect(rig.write(100)).toBe(0);
    rig.check();
  });
});

describe('maxAgeMs', () => {
  test('lets older pairs go, unpublished ones too, whether or not there is room', () => {
    const rig = new Rig({ whenFull: 'drop_newest', maxAgeMs: 48 * HOUR_MS });
    rig.write(10);
    rig.publish([1, 2, 3]);
    rig.now += 30 * HOUR_MS;
    rig.write(10);
    // Past retention the published ones have left; the others wait for Kafka …
    expect(rig.held()).toHaveLength(17);
    rig.now += 19 * HOUR_MS;
    rig.publish([]);
    // … and no longer than this.
    expect(rig.held()).toEqual(rig.taken.slice(10));
    expect(rig.departures()).toMatchObject({
      expired: { count: 3 },
      evicted: { count: 7, unpublished: 7 },
    });
    rig.check();
  });

  test('a clock that jumps a day and back takes what is too old by it, and no more', () => {
    const rig = new Rig({ maxAgeMs: 48 * HOUR_MS });
    rig.write(10);
    rig.now += 30 * HOUR_MS;
    rig.write(10);
    for (const jump of [24, -24, -24, 24]) {
      rig.now += jump * HOUR_MS;
      rig.write(1);
      rig.check();
    }
    expect(rig.held()).toEqual(rig.taken.slice(10));
  });
});

test('counts stay exact, whatever is written, published and reopened', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('write'), n: fc.integer({ min: 1, max: 120 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('publish'), n: fc.integer({ min: 1, max: 90 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen'), n: fc.constant(0) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('jump'), n: fc.integer({ min: -24, max: 24 }) }),
    },
  );
  const policies = fc.constantFrom('drop_newest' as const, 'drop_oldest' as const);
  const ages = fc.constantFrom(0, 36 * HOUR_MS);
  fc.assert(
    fc.property(
      policies,
      ages,
      fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
      (whenFull, maxAgeMs, steps) => {
        const rig = new Rig({ maxBytes: MiB, whenFull, maxAgeMs });
        for (const { kind, n } of steps) {
          if (kind === 'write') rig.write(n, 600);
          else if (kind === 'jump') rig.now += n * HOUR_MS;
          else if (kind === 'reopen') rig.reopen();
          else
            rig.publish(
              rig
                .held()
                .filter((seq) => !rig.published.has(seq))
                .slice(0, n),
            );
          rig.check();
        }
      },
    ),
    { numRuns: 12, seed: 20_261_126 },
  );
});

test('a pair that expired while Kafka was off is not among the unpublished that are evicted', () => {
  const folder = temporaryFolder();
  const path = journalPath(folder);
  const now = Date.now();
  const commit = (journal: Journal, entries: ReturnType<typeof entryOf>[], at: number): void => {
    journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], at);
  };
  const withKafka = new Journal(path, OPTIONS);
  const late = { timeMs: now + 20 * HOUR_MS };
  const entries = Array.from({ length: 102 }, (_, i) => {
    return entryOf(i + 1, i === 0 || i === 101 ? late : { timeMs: now });
  });
  commit(withKafka, entries, now);
  withKafka.close();
  const journal = new Journal(path, { ...OPTIONS, outbox: false, maxAgeMs: 30 * HOUR_MS });
  onTestFinished(() => journal.close());
  // What is past retention stays behind the first one: it leaves when there is no room, here by hand.
  const db = new DatabaseSync(path);
  db.exec('DELETE FROM pairs WHERE seq BETWEEN 2 AND 101');
  db.exec("INSERT INTO departures VALUES ('expired', 100, 0, 0)");
  db.close();
  commit(journal, [entryOf(200, { timeMs: now + 60 * HOUR_MS })], now + 60 * HOUR_MS);
  expect(journal.evicted).toEqual({ count: 2, unpublished: 2, unanalysed: 0 });
});

test('what leaves from anywhere while Kafka is off leaves the outbox, too', () => {
  const folder = temporaryFolder();
  const path = journalPath(folder);
  const now = Date.now();
  const pad = 'x'.repeat(10_000);
  const put = (journal: Journal, from: number, count: number, timeMs: number, at: number): void => {
    const entries = Array.from({ length: count }, (_, i) => {
      return entryOf(from + i, { timeMs, json: JSON.stringify({ pad }) });
    });
    journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], at);
  };
  const options = { ...OPTIONS, whenFull: 'drop_newest' as const };
  const withKafka = new Journal(path, options);
  put(withKafka, 1, 1, now + 20 * HOUR_MS, now);
  put(withKafka, 2, 300, now, now);
  withKafka.close();
  const journal = new Journal(path, { ...options, outbox: false });
  onTestFinished(() => journal.close());
  put(journal, 1_000, 600, now + 30 * HOUR_MS, now + 30 * HOUR_MS);
  const db = new DatabaseSync(path, { readOnly: true });
  const held = db.prepare('SELECT count(*) AS n FROM pairs WHERE seq <= 301').get();
  const waiting = db.prepare('SELECT count(*) AS n FROM outbox').get();
  db.close();
  expect(held).toEqual({ n: 1 });
  expect(waiting).toEqual({ n: 1 });
});

test('ages are kept at more than a thousand pairs a second, too', { timeout: 30_000 }, () => {
  const maxAgeMs = 3_000;
  const journal = new Journal(journalPath(temporaryFolder()), {
    ...{ ...OPTIONS, maxBytes: 64 * MiB, maxAgeMs },
    outbox: false,
  });
  onTestFinished(() => journal.close());
  const start = Date.now();
  const perSecond = 3_000;
  for (let i = 0; i < 10; i += 1) {
    const at = start + 1_000 * i;
    const entries = Array.from({ length: perSecond }, (_, j) => {
      return entryOf(i * perSecond + j, { timeMs: at, json: '{}' });
    });
    journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], at);
  }
  expect(journal.evicted.count).toBe(6 * perSecond);
});
