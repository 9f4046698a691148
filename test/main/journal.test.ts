/** `understudy journal inspect` and `export`, as an operator types them, beside a journal that is being written. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AUDIT_FILE } from '../../src/admin/audit-log.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { pairOf } from '../analysis/pairs.ts';
import { entryOf, ledgerOf, legOf } from '../record/entries.ts';
import { temporaryFolder } from '../record/temporary.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const START_MS = Date.parse('2026-11-23T12:00:00Z');
const MINUTE_MS = 60_000;

async function cli(...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'journal', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

/** A journal of an instance that is up: 40 pairs, a minute apart, of two candidates on two routes. */
function journalOf(count = 40) {
  const folder = temporaryFolder();
  const options = {
    maxBytes: 2 ** 26,
    whenFull: 'drop_newest',
    retentionMs: 1e12,
    maxAgeMs: 0,
    outbox: true,
  } as const;
  const journal = new Journal(journalPath(folder), options);
  onTestFinished(() => journal.close());
  const pairs = Array.from({ length: count }, (_, i) => ({
    ...pairOf({ seq: i + 1 }),
    route: i % 4 === 0 ? 'other' : 'score',
    key: `key-${i % 10}`,
  }));
  const entries = pairs.map((pair, i) =>
    entryOf(i + 1, {
      leg: legOf(undefined, i % 2 === 0 ? 'a' : 'b'),
      key: pair.key,
      timeMs: START_MS + i * MINUTE_MS,
      json: JSON.stringify(pair),
    }),
  );
  journal.commit(
    { session: 's', number: 1, entries, counts: [], ledgers: [ledgerOf(count)] },
    [],
    START_MS,
  );
  const { generation } = journal;
  const dead = [{ seq: 2, id: entries[1]?.id ?? '', code: 'UND_KAFKA_RECORD_TOO_LARGE' as const }];
  const confirmation = { generation, number: 1, published: [1, 3], dead };
  journal.commit(
    { session: 's', number: 2, entries: [], counts: [], ledgers: [] },
    [confirmation],
    START_MS,
  );
  return { folder, journal, entries, data: ['--data', folder] };
}

describe('inspect', () => {
  test('says what is there by candidate and state, what waits, and that it adds up', async () => {
    const { data, folder } = journalOf();
    writeFileSync(
      join(folder, 'journal.db.quarantined-2026-11-22T00-00-00.000Z'),
      'x'.repeat(2_048),
    );
    const { code, stdout } = await cli('inspect', ...data, '--check');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /pairs +40, sequences 1 to 40, exchanges of 2026-11-23T12:00:00.000Z to/,
    );
    expect(stdout).toMatch(/recorded +40 ever: 40 held {2}✓/);
    expect(stdout).toMatch(/outbox +37 wait for Kafka, from sequence 4, 2026-11-23T12:03:00.000Z/);
    expect(stdout).toMatch(/dead letters +1\n/);
    expect(stdout).toMatch(/a\/score +20 paired/);
    expect(stdout).toContain('journal.db.quarantined-2026-11-22T00-00-00.000Z, 2 KiB');
    expect(stdout).toMatch(/check +sound/);
  });

  test('as JSON has pairs and legs by hour', async () => {
    const { data, folder } = journalOf(90);
    const { stdout } = await cli('inspect', ...data, '--json');
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      schema: 3,
      addsUp: true,
      pairs: { held: 90, recorded: 90, oldest: '2026-11-23T12:00:00.000Z' },
      left: { expired: { count: 0 }, evicted: { count: 0 } },
      outbox: { pairs: 87, firstSeq: 4 },
      epochs: { live: 1, clean: 0, unclean: 0 },
      unanalysed: null,
    });
    expect(summary.held).toEqual(
      [12, 13].flatMap((hour) =>
        ['a', 'b'].map((candidate) => ({
          candidate,
          experiment: 'default',
          hour: `2026-11-23T${hour}:00:00.000Z`,
          pairs: hour === 12 ? 30 : 15,
        })),
      ),
    );
    expect(summary.legs).toHaveLength(2);
    expect(summary.path).toBe(journalPath(folder));
  });

  test('says where a sum is wrong, with exit code 1', async () => {
    const { data, folder } = journalOf();
    const db = new DatabaseSync(journalPath(folder));
    db.exec('DELETE FROM pairs WHERE seq = 7');
    db.close();
    const { code, stdout } = await cli('inspect', ...data);
    expect(code).toBe(1);
    expect(stdout).toContain('39 held  ✗ does not add up');
  });

  test('of a file that is none, or not there, says so with a code', async () => {
    const folder = temporaryFolder();
    const none = await cli('inspect', '--data', folder);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('UND_JOURNAL_MISSING') });
    mkdirSync(join(folder, 'x'));
    writeFileSync(journalPath(folder), '');
    const empty = await cli('inspect', '--data', folder);
    expect(empty).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UND_JOURNAL_CORRUPT'),
    });
  });
});

describe('a damaged journal', () => {
  const CORRUPT =
    /^understudy: UND_JOURNAL_CORRUPT: .*journal\.db is damaged .*journal repair.*\n$/;

  /** One that nobody has open, with all of its pairs in the file itself. */
  function closedJournal() {
    const folder = temporaryFolder();
    const path = journalPath(folder);
    const db = new DatabaseSync(journalPath(journalOf().folder));
    db.prepare('VACUUM INTO ?').run(path);
    db.close();
    return { path, data: ['--data', folder], target: ['--to', join(folder, 'copy.db')] };
  }

  test.each([512, 20_000])('cut to %d bytes is called so, in one line', async (bytes) => {
    const { path, data, target } = closedJournal();
    truncateSync(path, bytes);
    const failed = { code: 1, stdout: '', stderr: expect.stringMatching(CORRUPT) };
    expect(await cli('inspect', ...data, '--check')).toEqual(failed);
    expect(await cli('export', ...data)).toEqual(failed);
    expect(await cli('backup', ...data, ...target)).toEqual(failed);
  });

  test('with a page overwritten gives no backup', async () => {
    const { path, data, target } = closedJournal();
    const file = readFileSync(path);
    file.fill(0xff, 2 * 4_096, 3 * 4_096);
    writeFileSync(path, file);
    const { code, stderr } = await cli('backup', ...data, ...target);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^understudy: UND_JOURNAL_CHORE: The copy is not sound.*\n$/),
    });
    expect(existsSync(target[1] ?? '')).toBe(false);
  });

  test.each(['ndjson', 'parquet'])(
    'that is empty is no journal without pairs: %s',
    async (format) => {
      const { path, data } = closedJournal();
      truncateSync(path, 0);
      expect(await cli('export', ...data, '--format', format)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^understudy: UND_JOURNAL_CORRUPT: .*or an empty one\.\n$/),
      });
    },
  );
});

describe('backup', () => {
  test('refuses a name that would not stand in one line', async () => {
    const { folder } = journalOf();
    const target = join(folder, 'a\nb.db');
    expect(await cli('backup', '--file', journalPath(folder), '--to', target)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^understudy: UND_JOURNAL_TARGET: .*control character/s),
    });
    expect(existsSync(target)).toBe(false);
  });
});

describe('erase', () => {
  test.each([
    ['', 'x', 'UND_API_FIELD'],
    ['two words', 'x', 'UND_API_FIELD'],
    ['key-4', ' ', 'UND_API_REASON'],
    ['key-4', 'two\nlines', 'UND_API_REASON'],
  ])('with --data refuses the key %j for the reason %j, and erases nothing', async (...of) => {
    const { folder, data } = journalOf();
    const [key, reason, code] = of;
    const erased = await cli('erase', ...data, '--key', key, '--reason', reason);
    expect(erased).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(code) });
    expect(existsSync(join(folder, AUDIT_FILE))).toBe(false);
    expect((await cli('inspect', ...data)).stdout).toContain('40 held');
  });
});

describe('export', () => {
  test('writes each record byte for byte, to standard output', async () => {
    const { data, entries } = journalOf();
    const { code, stdout, stderr } = await cli('export', ...data);
    expect([code, stderr]).toEqual([0, '40 pairs exported\n']);
    expect(stdout).toBe(entries.map(({ json }) => `${json}\n`).join(''));
  });

  test('to a device that is full fails, and says nothing of exported pairs', () => {
    const { data } = journalOf();
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    for (const format of ['ndjson', 'parquet']) {
      const args = [CLI, 'journal', 'export', ...data, '--format', format];
      const ran = spawnSync(process.execPath, args, { stdio: ['ignore', full, 'pipe'] });
      expect(ran.status).toBe(1);
      expect(ran.stderr.toString()).toMatch(
        /^understudy: UND_JOURNAL_TARGET: standard output cannot .*ENOSPC/,
      );
    }
  });

  test('to a reader that leaves ends well, and does not say that all was exported', async () => {
    const { data } = journalOf();
    const args = [CLI, 'journal', 'export', ...data];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const ended = once(child, 'close');
    const stderr = await text(child.stderr);
    expect([(await ended)[0], stderr]).toEqual([0, 'the reader left after 40 pairs or less\n']);
  });

  test.each([
    ['--since', '2026-11-23T12:30:00Z', [30, 40]],
    ['--until', '2026-11-23T12:05:00Z', [0, 5]],
  ] as const)(
    '%s takes exchanges from then on, or before then',
    async (option, moment, [from, to]) => {
      const { data, entries } = journalOf();
      const { stdout } = await cli('export', ...data, option, moment);
      expect(stdout).toBe(
        entries
          .slice(from, to)
          .map(({ json }) => `${json}\n`)
          .join(''),
      );
    },
  );

  test('takes those of a candidate, a route and a key', async () => {
    const { data, entries } = journalOf();
    const { stdout } = await cli(
      'export',
      ...data,
      '--candidate',
      'a',
      '--route',
      'other',
      '--key',
      'key-4',
    );
    const expected = entries.filter((_, i) => i % 2 === 0 && i % 4 === 0 && i % 10 === 4);
    expect(expected.length).toBeGreaterThan(0);
    expect(stdout).toBe(expected.map(({ json }) => `${json}\n`).join(''));
  });

  test('makes a new file for its owner alone, and never overwrites one', async () => {
    const { data, folder } = journalOf();
    const file = join(folder, 'pairs.parquet');
    expect((await cli('export', ...data, '--format', 'parquet', '-o', file)).code).toBe(0);
    expect(readFileSync(file).subarray(0, 4).toString()).toBe('PAR1');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = await cli('export', ...data, '--format', 'parquet', '-o', file);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('UND_JOURNAL_TARGET') });
    expect(readFileSync(file).subarray(0, 4).toString()).toBe('PAR1');
  });

  test('leaves no file behind when it fails', async () => {
    const folder = temporaryFolder();
    writeFileSync(journalPath(folder), 'not a database, but long enough to be one'.repeat(99));
    const file = join(folder, 'pairs.ndjson');
    const { code } = await cli('export', '--data', folder, '-o', file);
    expect(code).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  test('goes on while pairs come and go, has what was there when it began, and holds nothing open', async () => {
    const { data, folder, journal } = journalOf();
    let seq = 1_000;
    const write = (count: number): void => {
      const entries = Array.from({ length: count }, () => {
        seq += 1;
        return entryOf(seq, { json: JSON.stringify({ seq, pad: 'x'.repeat(1_000) }) });
      });
      journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], START_MS);
    };
    for (let i = 0; i < 30; i += 1) write(500);
    const file = join(folder, 'pairs.ndjson');
    const exporting = cli('export', ...data, '-o', file);
    let isDone = false;
    let most = 0;
    const writing = (async () => {
      while (!isDone) {
        write(100);
        most = Math.max(most, journal.walBytes);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    expect((await exporting).code).toBe(0);
    isDone = true;
    await writing;
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(15_040);
    expect(new Set(lines).size).toBe(lines.length);
    expect(most).toBeLessThan(32 * 2 ** 20);
  });
});
