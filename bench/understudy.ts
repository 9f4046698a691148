/** Understudy as an operator runs it: `understudy serve` with a configuration file and its journal on disk. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type InstanceStatus, readInstance } from '../src/admin/instance-status.ts';
import { buildWaterfall, type Waterfall } from '../src/admin/waterfall.ts';
import type { KafkaConfig } from '../src/config/types.ts';
import type { SupervisorStatus } from '../src/main/supervisor.ts';
import { type RunFolder, runFolder } from '../src/telemetry/run-folder.ts';
import { readStatus } from '../src/telemetry/status-socket.ts';
import { untilAnswers } from './peers.ts';
import { moveToCore, PinnedProcess } from './pinned.ts';
import { SCORE_PATH } from './request.ts';
import type { ProxyProcess, RunningTarget, TargetContext } from './targets.ts';

/** Cumulative counts of all that Understudy has seen. */
export interface MirrorCounts {
  readonly seen: number;
  /** Copies whose outcome was recorded, and copies that were lost, whoever lost them. */
  readonly observed: number;
  readonly lost: number;
  /** Pairs on disk. */
  readonly committed: number;
  /** Losses by state and reason. */
  readonly losses: Readonly<Record<string, number>>;
  /** All of both kinds by state and reason. */
  readonly exchanges: Readonly<Record<string, number>>;
  readonly copies: Readonly<Record<string, number>>;
}

export interface UnderstudyOptions {
  readonly mirror: boolean;
  /** Keys of the candidate's section, one a line. */
  readonly candidate: readonly string[];
  /** TLS with callers. */
  readonly secure?: boolean;
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Missing: no Kafka. */
  readonly kafka?: Pick<
    KafkaConfig,
    'brokers' | 'pairsTopic' | 'accountingTopic' | 'partitions' | 'compression'
  >;
}

/** A busy machine takes its time; nothing is measured meanwhile. */
const START_TIMEOUT_MS = 120_000;
const SETTLE_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const PROGRAM = fileURLToPath(new URL('../bin/understudy.js', import.meta.url));

export async function startUnderstudy(
  context: TargetContext,
  options: UnderstudyOptions,
): Promise<RunningTarget> {
  const { folder, proxyCore, backstageCore, env } = context;
  const config = join(folder, 'understudy.yaml');
  writeFileSync(config, configOf(context, options));
  const child = new PinnedProcess({
    command: process.execPath,
    args: [PROGRAM, 'serve', '--config', config],
    core: proxyCore,
    logFile: join(folder, 'understudy.log'),
    env: environment({ ...env, ...options.env }),
  });
  const run = runFolder(join(folder, 'run'));
  try {
    const instance = new Instance(child, run, await untilUp(child, run));
    await untilAnswers(instance.port, () => child.ended, options.secure === true);
    if (backstageCore !== proxyCore && backstageCore !== null) {
      for (const { isGateway, pid } of instance.processes) {
        if (!isGateway) moveToCore(pid, backstageCore);
      }
    }
    return instance;
  } catch (cause) {
    await child.stop(STOP_TIMEOUT_MS);
    throw new Error(`Understudy does not start: ${child.lastWords()}`, { cause });
  }
}

class Instance implements RunningTarget {
  readonly port: number;
  readonly processes: readonly ProxyProcess[];
  readonly #child: PinnedProcess;
  readonly #run: RunFolder;
  readonly #gateways: number;

  constructor(child: PinnedProcess, run: RunFolder, status: SupervisorStatus) {
    this.#child = child;
    this.#run = run;
    this.port = status.listeners[0]?.port ?? 0;
    this.#gateways = status.children.filter(({ name }) => name.startsWith('gw')).length;
    const all = [...status.children, { name: 'supervisor', pid: status.pid }];
    this.processes = all.map(({ name, pid }) => ({ name, pid, isGateway: name.startsWith('gw') }));
  }

  async counts(): Promise<MirrorCounts> {
    // At saturation the mirror, which yields to the gateway, may be slow to answer: ask again.
    for (let tries = 0; ; tries += 1) {
      const instance = await readInstance(this.#run);
      const isWhole = instance.mirror !== null && instance.gateways.length === this.#gateways;
      if (isWhole || tries === 10) return toCounts(instance);
    }
  }

  async settle(): Promise<string> {
    const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
    let before = '';
    for (;;) {
      const instance = await readInstance(this.#run);
      const unrest = unrestOf(instance, this.#gateways);
      const now = JSON.stringify([unrest, toCounts(instance)]);
      if (unrest === '' && now === before) return '';
      if (performance.now() > deadlineMs) return unrest === '' ? 'the counts move' : unrest;
      before = now;
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (await this.#child.stop(STOP_TIMEOUT_MS)) return;
    // A killed supervisor takes nobody along.
    for (const { name, pid } of this.processes) if (name !== 'supervisor') kill(pid);
  }
}

async function untilUp(child: PinnedProcess, run: RunFolder): Promise<SupervisorStatus> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const instance = await readInstance(run);
    const isUp =
      instance.gateways[0]?.wire.connected === true &&
      instance.mirror?.recorder.state === 'recording' &&
      instance.processes.some(({ name }) => name === 'admin');
    if (isUp) return readStatus<SupervisorStatus>(run.statusSocket('supervisor-all'));
    if (child.ended || performance.now() > deadlineMs) throw new Error('not up');
    await sleep(POLL_MS);
  }
}

function toCounts({ gateways, mirror }: InstanceStatus): MirrorCounts {
  const waterfall = buildWaterfall(gateways, mirror);
  const candidate = waterfall.candidates[0];
  const losses: Record<string, number> = {};
  for (const { state, reason, count } of [
    ...waterfall.exchanges.states.filter(({ state }) => state === 'shed'),
    ...(candidate?.states ?? []).filter(({ state }) => !OBSERVED.has(state)),
  ]) {
    losses[reason === '' ? state : `${state}(${reason})`] = count;
  }
  return {
    seen: waterfall.exchanges.seen,
    observed: candidate?.observed ?? 0,
    lost: candidate?.lost ?? 0,
    committed: mirror?.recorder.committedPairs ?? 0,
    losses,
    exchanges: toRecord(waterfall.exchanges.states),
    copies: toRecord(candidate?.states ?? []),
  };
}

function toRecord(states: Waterfall['exchanges']['states']): Record<string, number> {
  const some = states.filter(({ count }) => count > 0);
  return Object.fromEntries(
    some.map(({ state, reason, count }) => [reason === '' ? state : `${state}(${reason})`, count]),
  );
}

const OBSERVED: ReadonlySet<string> = new Set(['paired', 'candidate_error', 'candidate_timeout']);

/** What is under way, or a sum that does not hold, in words; empty: the books are quiet and balance. */
function unrestOf(instance: InstanceStatus, gatewayCount: number): string {
  const { gateways, mirror } = instance;
  const waterfall = buildWaterfall(gateways, mirror);
  const counts: [string, number][] = [
    ['processes that do not answer', gateways.length === gatewayCount && mirror !== null ? 0 : 1],
    ['exchanges open', waterfall.exchanges.open],
    ['bytes on the wire', gateways.reduce((sum, { wire }) => sum + wire.queuedBytes, 0)],
    ['legs in flight', waterfall.legsInFlight],
    ['exchanges in transit', waterfall.inTransit ?? 0],
    ['bytes not yet on disk', mirror?.recorder.pendingBytes ?? 0],
    ['sums that do not hold', waterfall.sums.filter(({ ok }) => !ok).length],
  ];
  const left = counts.filter(([, count]) => count !== 0);
  return left.map(([what, count]) => `${what}: ${count}`).join(', ');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Variables meant for another instance must not change this one. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('UNDERSTUDY_'));
  return { ...Object.fromEntries(own), ...more };
}

function configOf(context: TargetContext, options: UnderstudyOptions): string {
  const { peers, gateways, certificate } = context;
  const { certFile, keyFile } = certificate;
  const tls =
    options.secure === true ? `\n    tls: { certFile: ${certFile}, keyFile: ${keyFile} }` : '';
  return `instance: bench
experiment: bench
runDir: run
dataDir: data
listeners:
  - listen: 127.0.0.1:0
    incumbent: http://127.0.0.1:${peers.incumbentPort}${tls}
gateway:
  processes: ${gateways}
routes:
  - name: score
    path: ${SCORE_PATH}
candidates:
  - name: next
    ${options.candidate.join('\n    ')}
mirror:
  enabled: ${options.mirror}
admin:
  listen: 127.0.0.1:0
metrics:
  listen: 127.0.0.1:0
${options.kafka === undefined ? '' : kafkaSection(options.kafka)}`;
}

function kafkaSection(kafka: NonNullable<UnderstudyOptions['kafka']>): string {
  return `kafka:
  brokers: [${kafka.brokers.join(', ')}]
  pairsTopic: ${kafka.pairsTopic}
  accountingTopic: ${kafka.accountingTopic}
  partitions: ${kafka.partitions}
  compression: ${kafka.compression}
`;
}
