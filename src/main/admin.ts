/**
 * The admin process: settings, API and metrics. Nobody needs it: while it is down, traffic and mirroring
 * go on with the last settings. A port that is taken or a folder that cannot be written leaves it without
 * API or metrics, saying so, until that has healed.
 */
import { mkdirSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { AdminStatus } from '../admin/admin-status.ts';
import { adminTokenFile } from '../admin/admin-token.ts';
import { AnalysisLink } from '../admin/analysis-link.ts';
import { createApi } from '../admin/api.ts';
import { BookMemory } from '../admin/book-memory.ts';
import { closeHttp, listenHttp } from '../admin/http-listen.ts';
import { type InstanceStatus, readInstance } from '../admin/instance-status.ts';
import { LiveToken } from '../admin/live-token.ts';
import { renderMetrics } from '../admin/metrics.ts';
import { createMetricsServer } from '../admin/metrics-server.ts';
import { type Retry, retryUntilDone } from '../admin/retry.ts';
import { SettingsStore } from '../admin/settings-store.ts';
import { toStatusReport } from '../admin/status-report.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import { LogSink } from '../telemetry/log-sink.ts';
import { createLogger } from '../telemetry/logger.ts';
import { runFolder } from '../telemetry/run-folder.ts';
import { sendCommand, serveStatus } from '../telemetry/status-socket.ts';
import { readProcessInput } from './process-input.ts';

const { config, name, version } = readProcessInput();
const sink = new LogSink();
const log = createLogger(name, config.log.level, sink);
const folder = runFolder(config.runDir);
const startedMs = monotonicMs();
const memory = new BookMemory();
/** What API and metrics wait for, by name: codes. */
const waiting = new Map<string, string>();
const analysis = config.analysis.enabled ? new AnalysisLink(config, log) : null;
let store: SettingsStore | null = null;
let api: FastifyInstance | null = null;
let url = '';
let metricsUrl = '';

const status = (): AdminStatus => ({
  process: 'admin',
  name: 'admin',
  pid: process.pid,
  version,
  uptimeMs: monotonicMs() - startedMs,
  settingsVersion: store?.settings.version ?? 0,
  url,
  metricsUrl,
  tokenFile: adminTokenFile(config),
  dataDir: config.dataDir,
  error: [...waiting.values()][0] ?? '',
  logLinesDropped: sink.dropped,
  analysis: analysis?.status ?? null,
});

async function readAll(): Promise<InstanceStatus> {
  const instance = await readInstance(folder, name);
  return { ...instance, processes: [...instance.processes, status()] };
}

async function serveApi(): Promise<void> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const token = new LiveToken(config, log);
  const settings = new SettingsStore(config, folder);
  store = settings;
  const report = async () => toStatusReport(config, settings.settings, await readAll());
  const app = await createApi({
    config,
    isToken: (presented) => token.matches(presented),
    store: settings,
    report,
    analysis,
    askMirrorToErase: (id, key) =>
      sendCommand(folder.statusSocket('mirror'), `erase ${id} ${key}`, LIMITS.adminRequestMs),
    log,
  });
  try {
    url = await listenHttp(app.server, config.admin.address);
    api = app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

const metricsServer = createMetricsServer(async () => {
  const instance = await readAll();
  memory.hear(instance.gateways, instance.mirror);
  const expected = expectedProcesses(config);
  return renderMetrics({
    status: instance,
    memory,
    expected,
    analysis: analysis?.status ?? null,
    adminLogLinesDropped: sink.dropped,
  });
});

async function serveMetrics(): Promise<void> {
  const { address } = config.metrics;
  if (address !== null) metricsUrl = `${await listenHttp(metricsServer, address)}/metrics`;
}

function keepTrying(what: string, step: () => Promise<void>): Retry {
  return retryUntilDone(step, {
    onFailure: (error, isNew) => {
      const code = error instanceof UnderstudyError ? error.code : 'UND_API_FAILED';
      waiting.set(what, code);
      if (isNew) log.error({ code, reason: error.message }, `${what} is not there: trying again`);
    },
    onSuccess: () => {
      waiting.delete(what);
      log.info({ url: what === 'api' ? url : metricsUrl }, `${what} serves`);
    },
  });
}

function expectedProcesses({ gateway, candidates }: Config): string[] {
  const gateways = Array.from({ length: gateway.processes }, (_, i) => `gw${i}`);
  const models = candidates.filter(({ kind }) => kind === 'onnx').map((c) => `model-${c.name}`);
  return [...gateways, 'mirror', 'admin', ...models];
}

/** The run folder's settings.json may be removed or damaged at any time: it is mended. */
function reconcile(): void {
  try {
    store?.reconcile();
    waiting.delete('settings');
  } catch (error) {
    if (!waiting.has('settings')) {
      log.error({ code: 'UND_SETTINGS_WRITE', reason: String(error) }, 'settings cannot be mended');
    }
    waiting.set('settings', 'UND_SETTINGS_WRITE');
  }
}

const statusServer = await serveStatus(folder.statusSocket(name), {
  status,
  // Cannot reject: all that it awaits resolves.
  commands: { stop: () => void stop() },
}).catch((error: Error) => {
  log.error({ code: 'UND_STATUS_SOCKET', reason: error.message }, 'admin cannot start');
  process.exit(1);
});
const apiRetry = keepTrying('api', serveApi);
const metricsRetry = keepTrying('metrics', serveMetrics);
const reconcileTimer = setInterval(reconcile, 4 * LIMITS.settingsPollMs);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  clearInterval(reconcileTimer);
  await Promise.all([apiRetry.stop(), metricsRetry.stop()]);
  await Promise.all([api === null ? undefined : closeApi(api), closeHttp(metricsServer)]);
  await analysis?.stop();
  await statusServer.close();
  log.info({}, 'admin ended');
}

async function closeApi(app: FastifyInstance): Promise<void> {
  await closeHttp(app.server);
  await app.close();
}

process.on('SIGTERM', () => void stop());
// A terminal's Ctrl-C reaches the whole group; who started this process decides when it ends.
process.on('SIGINT', () => {});
