/** `understudy check`: the plan of a configuration in words, and what would not work. */
import type { AdminStatus } from '../admin/admin-status.ts';
import { formatAddress } from '../config/address.ts';
import type {
  CandidateConfig,
  Config,
  Endpoint,
  ListenerConfig,
  UpstreamConfig,
} from '../config/types.ts';
import { runFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import { bytesInWords } from './bytes-in-words.ts';
import { type Finding, probeAll } from './probes.ts';
import { processesOf, ROLES, type Role } from './process-plan.ts';
import type { SupervisorStatus } from './supervisor.ts';

/** The outcome of a check. */
export interface CheckReport {
  readonly plan: string;
  readonly findings: readonly Finding[];
}

/** Makes the plan and probes it. Changes nothing; takes at most a few seconds, a large model longer. */
export async function checkConfig(config: Config, role: Role): Promise<CheckReport> {
  const { names, ports } = await runningInstance(config);
  const isRunning = names.length > 0;
  const findings = await probeAll(config, { role, held: isRunning ? ports : null });
  const note = isRunning ? `\nnow running: ${names.join(', ')}; its own ports not tried\n` : '';
  return { plan: renderPlan(config, role) + note, findings };
}

/** The supervisors that run in this run folder, and the ports that they and their admin process hold. */
async function runningInstance(config: Config): Promise<{ names: string[]; ports: Set<number> }> {
  const folder = runFolder(config.runDir);
  const names: string[] = [];
  const ports = new Set<number>();
  const look = async <T>(name: string, use: (status: T) => void): Promise<void> => {
    try {
      use(await readStatus<T>(folder.statusSocket(name)));
    } catch {
      // Not there.
    }
  };
  await Promise.all([
    ...ROLES.map((role) =>
      look<SupervisorStatus>(`supervisor-${role}`, ({ name, pid, listeners }) => {
        names.push(`${name} (process ${pid})`);
        for (const { port } of listeners) if (port !== undefined) ports.add(port);
      }),
    ),
    look<AdminStatus>('admin', ({ url, metricsUrl }) => {
      for (const each of [url, metricsUrl]) if (each !== '') ports.add(portOf(each));
    }),
  ]);
  return { names, ports };
}

/** A URL leaves out the port 80. */
function portOf(url: string): number {
  return Number(new URL(url).port || '80');
}

/** What `serve` would do, a line for each thing. */
export function renderPlan(config: Config, role: Role): string {
  const { listeners, routes, candidates, journal, kafka, admin, metrics, gateway } = config;
  const rows: [title: string, text: string][] = [];
  for (const listener of listeners) rows.push(...describeListener(listener));
  for (const { name, methods, path } of routes) {
    const to = candidates.filter((c) => c.routes.includes(name)).map((c) => c.name);
    const targets = to.length === 0 ? 'nobody' : to.join(', ');
    rows.push(['route', `${name}: ${methods.join(', ')} ${path} → ${targets}`]);
  }
  for (const candidate of candidates) rows.push(['candidate', describeCandidate(candidate)]);
  const state = config.mirror.enabled ? 'on' : 'off';
  rows.push(['mirroring', `${state} until an operator switches it`]);
  rows.push([
    'processes',
    processesOf(config, role)
      .map(({ name }) => name)
      .join(', '),
  ]);
  rows.push(['run folder', config.runDir]);
  const size = `at most ${bytesInWords(journal.maxBytes)}`;
  rows.push(['journal', `${config.dataDir}, ${size}, ${hoursInWords(journal.retentionMs)}`]);
  const topics = kafka === null ? 'none' : `${kafka.pairsTopic} at ${kafka.brokers.join(', ')}`;
  rows.push(['Kafka', topics]);
  rows.push(['admin', formatAddress(admin.address)]);
  rows.push(['metrics', metrics.address === null ? 'nowhere' : formatAddress(metrics.address)]);
  if (gateway.health !== null) rows.push(['health', formatAddress(gateway.health)]);
  const width = Math.max(...rows.map(([title]) => title.length));
  const title = `role ${role}, instance ${config.instance}, experiment ${config.experiment}`;
  return `${title}\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('')}`;
}

function describeListener(listener: ListenerConfig): [string, string][] {
  const { name, address, incumbent, upstream, tls, proxy } = listener;
  const scheme = `${proxy === null ? '' : ', PROXY header'}${tls === null ? '' : ', TLS'}`;
  const to = (endpoint: Endpoint, how: UpstreamConfig): string =>
    [
      `incumbent ${formatAddress(endpoint)}`,
      ...(how.proxyProtocol === 'off' ? [] : [`PROXY ${how.proxyProtocol}`]),
      ...(how.tls === null ? [] : ['TLS']),
    ].join(', ');
  const rows: [string, string][] = [
    ['listener', `${name}: ${formatAddress(address)}${scheme} → ${to(incumbent, upstream)}`],
  ];
  for (const entry of tls?.names ?? []) {
    const target =
      entry.incumbent === null ? to(incumbent, upstream) : to(entry.incumbent, entry.upstream);
    rows.push(['', `${name}: ${entry.serverNames.join(', ')} → ${target}`]);
  }
  return rows;
}

function describeCandidate(candidate: CandidateConfig): string {
  const { name, kind, rate, timeoutMs, maxInFlight } = candidate;
  const where = kind === 'http' ? candidate.url : candidate.model;
  const percent = `${Number((rate * 100).toFixed(4))} %`;
  return `${name}: ${kind} ${where}, rate ${percent}, ${timeoutMs} ms, ${maxInFlight} in flight`;
}

function hoursInWords(ms: number): string {
  return `${Number((ms / 3_600_000).toFixed(2))} h kept`;
}
