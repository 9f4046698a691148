/**
 * The process of one onnx candidate: one session behind HTTP on a Unix socket of the run folder. A native
 * crash of the runtime stays in here. Without a model it stays up, answers 503 and says why.
 */
import type { Config, OnnxCandidateConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { ModelHolder } from '../model/model-holder.ts';
import type { ModelStatus } from '../model/model-status.ts';
import { serveScoring } from '../model/scoring-server.ts';
import { LogLines } from '../telemetry/log-lines.ts';
import { runFolder } from '../telemetry/run-folder.ts';
import { serveStatus } from '../telemetry/status-socket.ts';
import { readProcessInput } from './process-input.ts';

const { config, name, version } = readProcessInput();
const log = new LogLines({ process: name, level: config.log.level });
try {
  await run(candidateOf(config, name));
} catch (error) {
  const code = error instanceof UnderstudyError ? error.code : 'UND_MODEL_NOT_READY';
  log.error('model process cannot start', { code, reason: String(error) });
  process.exitCode = 1;
}

async function run(candidate: OnnxCandidateConfig): Promise<void> {
  const folder = runFolder(config.runDir);
  const holder = new ModelHolder(candidate, ({ ready, error }) => {
    if (ready) log.info('model loaded', { model: candidate.model });
    else log.error('model not ready, trying again when its file changes', { reason: error });
  });
  await holder.start();
  const server = await serveScoring({
    place: { path: folder.modelSocket(candidate.name) },
    scorePath: '/score',
    model: () => holder.current,
  });
  const status = (): ModelStatus => {
    const current = holder.current;
    const ready = typeof current !== 'string';
    return {
      process: 'model',
      name,
      pid: process.pid,
      version,
      candidate: candidate.name,
      ready,
      ...server.counts(),
      modelVersion: candidate.modelVersion,
      error: ready ? '' : current,
    };
  };
  const statusServer = await serveStatus(folder.statusSocket(name), {
    status,
    // Cannot reject: all that it awaits resolves.
    commands: { stop: () => void stop() },
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    await server.close();
    await statusServer.close();
    await holder.close();
    log.info('model process ended');
  };
  process.on('SIGTERM', () => void stop());
  // A terminal's Ctrl-C reaches the whole group; who started this process decides when it ends.
  process.on('SIGINT', () => {});
}

/** @throws {Error} when the name is of no onnx candidate: the supervisor's fault */
function candidateOf(config: Config, name: string): OnnxCandidateConfig {
  for (const candidate of config.candidates) {
    if (candidate.kind === 'onnx' && name === `model-${candidate.name}`) return candidate;
  }
  throw new Error(`${name} names no onnx candidate of the configuration`);
}
