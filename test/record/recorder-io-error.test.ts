/** A disk that fails: syncs of the journal's files return EIO for a while, by strace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import type { CommittedBooks } from '../../src/record/recorder-port.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf } from './entries.ts';
import { straceMissing } from './power-loss.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

const missing = straceMissing();

test.skipIf(missing !== undefined)(
  `drops are counted, recording resumes by itself, and nothing acknowledged is lost (${missing ?? 'EIO by strace'})`,
  { timeout: 90_000 },
  async () => {
    const dataDir = temporaryFolder();
    const said = join(dataDir, 'said');
    const inject = 'inject=fsync,fdatasync:error=EIO:when=40..55';
    const program = [
      process.execPath,
      join(import.meta.dirname, 'crash-child.ts'),
      dataDir,
      '1',
      said,
    ];
    const child = spawn(
      'strace',
      [
        '-f',
        '--seccomp-bpf',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        'trace=fsync,fdatasync',
        '-e',
        inject,
        ...program,
      ],
      { stdio: 'ignore', detached: true },
    );
    const ended = once(child, 'exit');
    const end = (): void => {
      try {
        process.kill(-Number(child.pid), 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    onTestFinished(end);
    const lines = (): string[] =>
      existsSync(said) ? readFileSync(said, 'utf8').split('\n').slice(0, -1) : [];
    await until(
      'dropped',
      () => lines().some((line) => line.startsWith('journal_dropped')),
      30_000,
    );
    const isOver = (): boolean => {
      const all = lines();
      const last = all.findLastIndex((line) => line.startsWith('journal_dropped'));
      return all.length - last > 2_000;
    };
    await until('recording again', isOver, 60_000);
    end();
    await ended;

    const outcomes = lines().map((line) => line.split(' ') as [string, string]);
    const { recorder } = await recorderIn(dataDir);
    const { legs } = await new Promise<CommittedBooks>((resolve) => {
      recorder.whenOpened(resolve);
    });
    await recorder.close();
    const reader = JournalReader.open(dataDir);
    const stored = new Map(
      [...selectPairs(reader, {})].flat().map(({ json }) => [JSON.parse(json).id, json]),
    );
    reader.close();
    const counts = new Map(legs.map(({ state, count }) => [state, count]));
    const dropped = outcomes.filter(([state]) => state === 'journal_dropped').map(([, id]) => id);
    for (const [state, id] of outcomes) {
      if (state !== 'paired') continue;
      const seq = Number(id.slice(EPOCH.length + 1, id.indexOf('/')));
      expect(stored.get(id)).toBe(entryOf(seq).json);
    }
    expect(counts.get('paired')).toBe(stored.size);
    expect(dropped.filter((id) => stored.has(id))).toEqual([]);
    expect(counts.get('journal_dropped')).toBe(dropped.length);
  },
);
