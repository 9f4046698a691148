/**
 * The mirror process: wire in, legs to the candidates, pairs to the recorder's threads. Everything it needs from
 * outside may be missing at its start; then it runs without, says so, and heals by itself.
 */
import { writeFileSync } from 'node:fs';
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import type { Candidate } from '../mirror/candidates/candidate.ts';
import { createHttpCandidate } from '../mirror/candidates/http.ts';
import { createOnnxCandidate } from '../mirror/candidates/onnx.ts';
import { participantsOf } from '../mirror/epoch-books.ts';
import { candidatesByRoute, Mirror } from '../mirror/mirror.ts';
import { LegLedger } from '../pair/leg-ledger.ts';
import { openRecorder } from '../record/recorder.ts';
import { LogLines } from '../telemetry/log-lines.ts';
import { type RunFolder, runFolder } from '../telemetry/run-folder.ts';
import { readSelectionSecret } from '../telemetry/selection-secret.ts';
import { SettingsReader } from '../telemetry/settings-reader.ts';
import { type StatusServer, serveStatus } from '../telemetry/status-socket.ts';
import { readProcessInput } from './process-input.ts';
import { keepObjectsYoung } from './young-objects.ts';

keepObjectsYoung();
const { config, name, version } = readProcessInput();
const log = new LogLines({ process: name, level: config.log.level });
try {
  await run(config);
} catch (error) {
  const code = error instanceof UnderstudyError ? error.code : '';
  log.error('mirror cannot start', { code, reason: String(error) });
  process.exitCode = 1;
}

async function run(config: Config): Promise<void> {
  forbidCoreDumps();
  const folder = runFolder(config.runDir);
  const secret = readSelectionSecret(config, folder);
  const settings = new SettingsReader(folder, config, log);
  settings.start();
  const ledger = new LegLedger();
  const configured = participantsOf(candidatesByRoute(config));
  const recorder = await openRecorder(
    { ...config, configured },
    (entry, state, reason) => ledger.settle(entry.leg, state, reason),
    log,
  );
  const candidates = createCandidates(config, folder);
  const mirror = new Mirror({
    config,
    version,
    wireSocket: folder.wireSocket,
    secret,
    settings,
    candidates,
    recorder,
    ledger,
    log,
  });
  let statusServer: StatusServer | null = null;
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info('mirror stops');
    await mirror.stop();
    await statusServer?.close();
    settings.stop();
    log.info('mirror ended');
  };
  try {
    await mirror.start();
    statusServer = await serveStatus(folder.statusSocket(name), {
      status: () => mirror.status(),
      // Cannot reject: all that it awaits resolves.
      commands: {
        stop: () => void stop(),
        'deadletter-retry': (seq) => recorder.settleDeadLetters('retry', toSeq(seq)),
        'deadletter-drop': (seq) => recorder.settleDeadLetters('drop', toSeq(seq)),
        backup: (argument) => recorder.runChore({ kind: 'backup', ...toChore(argument, 'path') }),
        erase: (argument) => recorder.runChore({ kind: 'erase', ...toChore(argument, 'key') }),
      },
    });
  } catch (error) {
    // The recorder's threads would keep alive a process that nobody can reach.
    await mirror.stop();
    throw error;
  }
  process.on('SIGTERM', () => void stop());
  // A terminal's Ctrl-C reaches the whole group; who started this process decides when it ends.
  process.on('SIGINT', () => {});
  log.info('mirror listens', { candidates: candidates.size });
}

/** `all`, or a sequence; 0, which is none's, for anything else. */
function toSeq(argument: string): number | null {
  if (argument === 'all') return null;
  return /^\d{1,15}$/.test(argument) ? Number(argument) : 0;
}

/** `ID` and, behind a space, what it is about. */
function toChore<K extends 'path' | 'key'>(
  argument: string,
  name: K,
): { id: string } & Record<K, string> {
  const [id = '', what = ''] = argument.split(/ (.*)/s, 2);
  return { id, [name]: what } as { id: string } & Record<K, string>;
}

function createCandidates(config: Config, folder: RunFolder): Map<string, Candidate> {
  return new Map(
    config.candidates.map((candidate) => [
      candidate.name,
      candidate.kind === 'http'
        ? createHttpCandidate(candidate, { log })
        : createOnnxCandidate(candidate, folder),
    ]),
  );
}

/** Raw exchanges live in this process's memory: they must not end up in a file. Best effort, Linux only. */
function forbidCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    log.debug('core dumps could not be switched off');
  }
}
