/** Entry of a gateway process. Loads no package: nothing but Node and the data plane runs here. */
import { LIMITS } from '../config/defaults.ts';
import { Gateway, type ListenTarget } from '../gateway/gateway.ts';
import { createHealthServer } from '../gateway/health.ts';
import { LogLines } from '../telemetry/log-lines.ts';
import { watchLoopDelay } from '../telemetry/loop-delay.ts';
import { runFolder } from '../telemetry/run-folder.ts';
import { readSelectionSecret } from '../telemetry/selection-secret.ts';
import { SettingsReader } from '../telemetry/settings-reader.ts';
import { type StatusServer, serveStatus } from '../telemetry/status-socket.ts';
import {
  EXIT_ADDRESS_TAKEN,
  FIRST_LISTENER_FD,
  LEAVE_SIGNAL,
  readProcessInput,
} from './process-input.ts';
import { keepObjectsYoung } from './young-objects.ts';

keepObjectsYoung();
const { config, name, version, listeners } = readProcessInput();
const log = new LogLines({ process: name, level: config.log.level });
const folder = runFolder(config.runDir);
const settings = new SettingsReader(folder, config, log);
settings.start();
const gateway = new Gateway({
  config,
  name,
  version,
  wireSocket: folder.wireSocket,
  secret: readSelectionSecret(config, folder),
  settings,
  log,
  loopDelay: watchLoopDelay(),
});

const health = createHealthServer(() => gateway.ready);
let status: StatusServer | null = null;
let ending = false;
// Before the first caller can come: from then on a signal must not be the end of him.
process.on('SIGTERM', end);
process.on(LEAVE_SIGNAL, leave);
process.on('SIGINT', () => undefined); // the supervisor decides: a terminal tells the whole group

const targets = config.listeners.map((_, index): ListenTarget => {
  return { fds: listeners?.[index] ?? [FIRST_LISTENER_FD + index] };
});
const listening = gateway.start(targets).catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error;
  log.error('another process listens on this address', {
    code: 'UND_LISTEN_FAILED',
    reason: error.message,
  });
  process.exit(EXIT_ADDRESS_TAKEN);
});
const ports = await listening;
// Told to leave meanwhile, it takes neither the name nor the health address of the one that goes on.
if (!ending) {
  if (config.gateway.health !== null) {
    health.listen({ fd: FIRST_LISTENER_FD + config.listeners.length }, LIMITS.listenBacklog);
  }
  status = await serveStatus(folder.statusSocket(name), {
    status: () => gateway.status(),
    commands: { stop: leave, drain: leave },
  });
  log.info('gateway listens', { ports: ports.join(','), version });
}

/** With its supervisor: drains, and says on the health listener that it does. A second time it ends at once. */
function end(): void {
  if (ending) process.exit(1);
  drain();
}

/**
 * Another gateway goes on, or the next supervisor's will: drains. Readiness is theirs from now on, and the health
 * address, too; a drain here must not take the instance out of its balancer. Asked again it goes on.
 */
function leave(): void {
  health.close();
  drain();
}

function drain(): void {
  if (ending) return;
  ending = true;
  void finish(); // cannot reject: a drain gathers no errors, and closing a status server neither
}

async function finish(): Promise<void> {
  await listening;
  await gateway.drain();
  settings.stop();
  health.close();
  await status?.close();
  process.exit(0);
}
