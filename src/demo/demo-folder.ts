/** The folder of a demo: configuration, logs, run and data folders. */
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { type RunFolder, runFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';

/** Where a demo keeps everything; made anew by each. */
export interface DemoFolder {
  readonly path: string;
  readonly run: RunFolder;
  readonly dataDir: string;
  readonly config: string;
  readonly understudyLog: string;
  readonly incumbentLog: string;
  /** What happened to the loans, for `labels import`. */
  readonly outcomes: string;
}

/** Longest name of a socket in the run folder: `supervisor-backstage.sock`, with its slash. */
const SOCKET_NAME_BYTES = 26;

/**
 * The demo's folder below `base`; in the folder for temporary files, by user, where its sockets' paths would
 * be too long for the kernel.
 */
export function demoFolder(base: string): DemoFolder {
  const wanted = join(base, '.understudy', 'demo');
  const tooLong =
    Buffer.byteLength(join(wanted, 'run')) + SOCKET_NAME_BYTES > LIMITS.socketPathBytes;
  const path = tooLong ? join(tmpdir(), `understudy-demo-${process.getuid?.() ?? 0}`) : wanted;
  return {
    path,
    run: runFolder(join(path, 'run')),
    dataDir: join(path, 'data'),
    config: join(path, 'understudy.yaml'),
    understudyLog: join(path, 'understudy.log'),
    incumbentLog: join(path, 'incumbent.log'),
    outcomes: join(path, 'outcomes.csv'),
  };
}

/**
 * Makes the folder anew, with nothing in it.
 *
 * @throws {UnderstudyError} `UND_DEMO_FAILED`
 */
export function makeAnew(folder: DemoFolder): void {
  try {
    rmSync(folder.path, { recursive: true, force: true });
    mkdirSync(dirname(folder.path), { recursive: true });
    // Not recursive: a folder that is there all the same is somebody else's.
    for (const path of [folder.path, folder.run.path, folder.dataDir]) mkdirSync(path, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `the folder ${folder.path} cannot be made: ${reason}`;
    throw new UnderstudyError('UND_DEMO_FAILED', message);
  }
}

/**
 * A demo would take another one's folder away from under it.
 *
 * @throws {UnderstudyError} `UND_DEMO_FAILED`
 */
export async function refuseSecondDemo(folder: DemoFolder): Promise<void> {
  const socket = folder.run.statusSocket('supervisor-all');
  const running = await readStatus<{ pid?: number }>(socket).catch(() => null);
  if (running === null) return;
  throw new UnderstudyError(
    'UND_DEMO_FAILED',
    `a demo is running in ${folder.path} already (its Understudy is process ${running.pid}): ` +
      'end that one, or run this one in another folder',
  );
}
