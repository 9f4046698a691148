/**
 * What a disk would hold after a loss of power: rebuilt from the system calls of a writer. What was synced is there;
 * of what was written since, any sector of 512 bytes may be there or not, and a file may have its old length or its new
 * one. Names of files are taken for durable once the journal has been opened.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RoomOptions } from '../../src/record/journal/journal-room.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { entryOf } from './entries.ts';

const SECTOR = 512;
/** The rollback journal of the file's first moment is gone, and -shm is made anew by whoever opens it. */
const FILES = new Set(['journal.db', 'journal.db-wal', 'said']);

/** Small, so that the WAL is copied into the file often. */
export const POWER_ROOM: RoomOptions = {
  maxBytes: 8 * 2 ** 20,
  whenFull: 'drop_newest',
  retentionMs: 1e12,
  maxAgeMs: 0,
  outbox: true,
};

/** The pair of a sequence: always the same bytes. */
export function powerEntry(seq: number): PairEntry {
  const json = JSON.stringify({ seq, pad: String(seq).repeat(150) });
  return entryOf(seq, { json, timeMs: 1.5e12 + seq });
}

type Call =
  | { readonly kind: 'write'; readonly file: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly length: number }
  | { readonly kind: 'sync'; readonly file: string }
  /** So many pairs were acknowledged. */
  | { readonly kind: 'said'; readonly pairs: number };

/** @returns why it cannot be done here; `undefined`: it can */
export function straceMissing(): string | undefined {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'strace is not installed, or may not trace';
  }
}

/** Runs power-child.ts. @returns its calls on files of the folder, in order */
export function recordCalls(
  folder: string,
  batches: number,
  synchronous: 'full' | 'normal',
): Call[] {
  const child = join(import.meta.dirname, 'power-child.ts');
  const trace = 'openat,close,pwrite64,write,fsync,fdatasync,ftruncate';
  const log = join(folder, 'trace');
  execFileSync(
    'strace',
    [
      '-ff',
      '--seccomp-bpf',
      '-qq',
      '-xx',
      '-s',
      '1000000',
      '-e',
      `trace=${trace}`,
      '-o',
      log,
    ].concat([process.execPath, child, folder, String(batches), synchronous]),
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  // One file a thread; SQLite works on the main one, whose calls name the journal.
  const logs = readdirSync(folder)
    .filter((name) => name.startsWith('trace.'))
    .map((name) => parseCalls(readFileSync(join(folder, name), 'latin1'), folder));
  return logs.reduce((longest, calls) => (calls.length > longest.length ? calls : longest), []);
}

function parseCalls(text: string, folder: string): Call[] {
  const calls: Call[] = [];
  const files = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(line);
    if (match === null) continue;
    const [, name = '', args = '', result = ''] = match;
    if (name === 'openat') {
      const path = bytesOf(/"((?:\\x[0-9a-f]{2})*)"/.exec(args)?.[1] ?? '').toString();
      if (FILES.has(basename(path)) && path.startsWith(folder)) files.set(result, basename(path));
      else files.delete(result);
      continue;
    }
    const fd = /^\d+/.exec(args)?.[0] ?? '';
    const file = files.get(fd);
    if (file === undefined) continue;
    if (name === 'close') files.delete(fd);
    else calls.push(...toCall(name, file, args));
  }
  return calls;
}

function toCall(name: string, file: string, args: string): Call[] {
  if (name === 'fsync' || name === 'fdatasync') return [{ kind: 'sync', file }];
  if (name === 'ftruncate')
    return [{ kind: 'truncate', file, length: Number(args.split(', ')[1]) }];
  const bytes = bytesOf(/"((?:\\x[0-9a-f]{2})*)"/.exec(args)?.[1] ?? '');
  if (file === 'said') return [{ kind: 'said', pairs: Number(bytes.toString().slice(5)) }];
  return [{ kind: 'write', file, at: Number(args.slice(args.lastIndexOf(',') + 1)), bytes }];
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

/** What stands on the disk, and what may or may not. */
export class Disk {
  readonly #durable = new Map<string, Buffer>();
  readonly #pending = new Map<string, Exclude<Call, { kind: 'sync' | 'said' }>[]>();
  /** Pairs that were acknowledged. */
  said = 0;

  take(call: Call): void {
    if (call.kind === 'said') this.said = call.pairs;
    else if (call.kind === 'sync') this.#sync(call.file);
    else this.#pending.set(call.file, [...(this.#pending.get(call.file) ?? []), call]);
  }

  /**
   * The files after a loss of power now.
   *
   * @param keeps - asked for each sector that was written, and each change of a length, since the last sync
   */
  cut(keeps: () => boolean): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const file of new Set([...this.#durable.keys(), ...this.#pending.keys()])) {
      files.set(file, apply(this.#durable.get(file), this.#pending.get(file) ?? [], keeps));
    }
    return files;
  }

  #sync(file: string): void {
    const pending = this.#pending.get(file) ?? [];
    this.#durable.set(
      file,
      apply(this.#durable.get(file), pending, () => true),
    );
    this.#pending.delete(file);
  }
}

function apply(
  before: Buffer | undefined,
  calls: readonly Exclude<Call, { kind: 'sync' | 'said' }>[],
  keeps: () => boolean,
): Buffer {
  let content = Buffer.from(before ?? []);
  for (const call of calls) {
    if (call.kind === 'truncate') {
      if (keeps())
        content = Buffer.concat([
          content,
          Buffer.alloc(Math.max(0, call.length - content.length)),
        ]).subarray(0, call.length);
      continue;
    }
    const { at, bytes } = call;
    for (let from = 0; from < bytes.length; from += SECTOR) {
      if (!keeps()) continue;
      const end = at + Math.min(bytes.length, from + SECTOR);
      if (end > content.length)
        content = Buffer.concat([content, Buffer.alloc(end - content.length)]);
      bytes.copy(content, at + from, from, Math.min(bytes.length, from + SECTOR));
    }
  }
  return content;
}
