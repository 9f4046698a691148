/** `understudy serve`: loads the configuration, starts the supervisor, and ends when it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminStatus } from '../../admin/admin-status.ts';
import { formatAddress } from '../../config/address.ts';
import { LIMITS } from '../../config/defaults.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/types.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import { LogLines } from '../../telemetry/log-lines.ts';
import { LogSink } from '../../telemetry/log-sink.ts';
import { runFolder } from '../../telemetry/run-folder.ts';
import { readStatus } from '../../telemetry/status-socket.ts';
import { watchConfig } from '../config-watch.ts';
import { takeInheritedSockets } from '../inherited-sockets.ts';
import type { Role } from '../process-plan.ts';
import { Supervisor } from '../supervisor.ts';
import { readVersion } from '../version.ts';

/**
 * Runs until a signal or the command `stop` ends it. The first SIGTERM or SIGINT drains, a second one ends
 * all at once. SIGHUP reads the configuration anew; so does a change of its file with `watch`.
 *
 * @returns the exit code: 0 after an orderly end, 1 after a second signal
 * @throws {ConfigError} nothing was started
 * @throws {UnderstudyError} `UND_LISTEN_FAILED`, `UND_RUN_FOLDER`: nothing is left running
 */
export async function serve(options: {
  readonly config: string;
  readonly role: Role;
  readonly watch?: boolean;
}): Promise<number> {
  const { role } = options;
  const config = loadConfig(options.config);
  const sink = new LogSink();
  const log = new LogLines({ process: `supervisor-${role}`, level: config.log.level }, sink);
  const version = readVersion();
  let killed = false;
  let supervisor: Supervisor | null = null;
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    killed = signals > 1;
    // Before there is one, the signal is remembered; stop cannot reject.
    if (killed) supervisor?.kill();
    else void supervisor?.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  // Cannot reject: its errors stand in log and status. Before there is a supervisor, nothing is to reload.
  const reload = (): void => void supervisor?.reload('changed');
  process.on('SIGHUP', reload);
  const read = (): Config => loadConfig(options.config);
  const sockets = takeInheritedSockets(config, process.env, log);
  supervisor = await Supervisor.start({ config, role, version, log, loadConfig: read, sockets });
  const unwatch = options.watch === true ? watchConfig(options.config, reload) : () => undefined;
  if (signals > 0) void supervisor.stop();
  // Cannot reject: it waits for states. Through the sink, so that a reader who stalls stalls nobody.
  void announce(supervisor, config, version).then((line) => sink.write(line));
  await supervisor.stopped;
  if (supervisor.failure !== null) throw supervisor.failure;
  unwatch();
  return killed ? 1 : 0;
}

/** Where API and metrics serve, as bound; or that they do not, and why. */
async function adminPlaces(config: Config): Promise<string[]> {
  const socket = runFolder(config.runDir).statusSocket('admin');
  const deadlineMs = monotonicMs() + LIMITS.adminRequestMs;
  const wantsMetrics = config.metrics.address !== null;
  for (;;) {
    const admin = await readStatus<AdminStatus>(socket).catch(() => null);
    const { url = '', metricsUrl = '', error = '' } = admin ?? {};
    const settled = error !== '' || (url !== '' && (metricsUrl !== '' || !wantsMetrics));
    if (settled || monotonicMs() > deadlineMs) {
      const why = error === '' ? 'not up' : `not up: ${error}`;
      const places = [url === '' ? `admin ${why}` : `admin at ${url}`];
      if (wantsMetrics) places.push(`metrics ${metricsUrl === '' ? why : `at ${metricsUrl}`}`);
      return places;
    }
    await sleep(LIMITS.startPollMs);
  }
}

/** One line in plain words, when everything is up, or what is not. */
async function announce(supervisor: Supervisor, config: Config, version: string): Promise<string> {
  const up = await supervisor.untilUp();
  const { children, role } = supervisor.status();
  const parts = supervisor.sockets.map(({ name, address }) => {
    const listener = config.listeners.find((l) => l.name === name);
    const place = formatAddress(address);
    if (listener === undefined) return `health on http://${place}`;
    return `listening on ${place} (incumbent ${formatAddress(listener.incumbent)})`;
  });
  if (role !== 'gateway') {
    parts.push(...(await adminPlaces(config)));
  }
  parts.push(`run folder ${config.runDir}`);
  if (!up) {
    const down = children.filter((c) => c.state !== 'running').map((c) => `${c.name} ${c.state}`);
    if (down.length === 0 || supervisor.ending) return '';
    parts.push(`NOT UP: ${down.join(', ')}`);
  }
  return `understudy ${version}: ${parts.join(', ')}\n`;
}
