/**
 * Many exchanges through a real instance, while everything goes wrong that may: caps bite, candidates hang and are sick,
 * the rate changes, the mirror is switched off and on; in the first half it is killed as well, in the second it lives,
 * so that its memory tells something. At the end both ledgers must balance to the last exchange, each caller must have
 * had the incumbent's answer, and the memory of gateway and mirror must not have grown.
 *
 *   npm run soak                        10 million exchanges: hours, on a quiet machine
 *   npm run soak -- --exchanges 300000  a few minutes
 *
 * Prints counts and resident memory every 10 s. Exit code 1 when something does not hold.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type InstanceStatus, readInstance } from '../../src/admin/instance-status.ts';
import { renderWaterfall } from '../../src/admin/render-waterfall.ts';
import { buildWaterfall, type Waterfall } from '../../src/admin/waterfall.ts';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import { type RunFolder, runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { Callers } from './peers.ts';
import { configOf, unseenIn } from './scene.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
/** Two, as in production: with role `all` the backstage yields, and starves on a machine that others use. */
const ROLES = ['gateway', 'backstage'] as const;
const SAMPLE_MS = 10_000;
const START_MS = 120_000;
const REST_MS = 120_000;
/** What a process may have at the end over what it had when it was warm. */
const RSS_GROWTH = 1.25;
const RSS_SLACK_MIB = 24;
/** Of the mirror, whose queues and heap breathe with what its candidates do. */
const MIRROR_SLACK_MIB = 64;
/** One turn of faults in so many kills the mirror. */
const KILL_EVERY = 12;
/** Warm is what has been through so much of its run. */
const WARM_SHARE = 0.25;

interface Sample {
  readonly answered: number;
  readonly gatewayMib: number;
  readonly mirrorMib: number;
}

async function until<T>(what: string, look: () => Promise<T | null>, ms: number): Promise<T> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(100)) {
    const found = await look().catch(() => null);
    if (found !== null) return found;
  }
  throw new Error(`not within ${ms} ms: ${what}`);
}

function portOf(run: RunFolder): Promise<number> {
  return until(
    'the instance is up',
    async () => {
      const [front, back] = await Promise.all(
        ROLES.map((role) => readStatus<SupervisorStatus>(run.statusSocket(`supervisor-${role}`))),
      );
      const children = [...(front?.children ?? []), ...(back?.children ?? [])];
      const isUp = children.length > 2 && children.every(({ state }) => state === 'running');
      const { gateways } = await readInstance(run);
      const isWired = gateways.length > 0 && gateways.every(({ wire }) => wire.connected);
      return isUp && isWired ? (front?.listeners[0]?.port ?? null) : null;
    },
    START_MS,
  );
}

/** Resident memory of a process, MiB; 0 where there is none. */
function residentMib(pid: number | undefined): number {
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kib ?? 0) / 1_024);
  } catch {
    return 0;
  }
}

async function takeSample(run: RunFolder, callers: Callers): Promise<Sample> {
  const { gateways, mirror } = await readInstance(run);
  const sample = {
    answered: callers.answered,
    gatewayMib: residentMib(gateways[0]?.pid),
    mirrorMib: residentMib(mirror?.pid),
  };
  const count = sample.answered.toLocaleString('en-US').padStart(12);
  console.log(
    `${count} answered   gateway ${sample.gatewayMib} MiB   mirror ${sample.mirrorMib} MiB`,
  );
  return sample;
}

/** Resident memory of the gateway when so many exchanges had been answered: flat, or not, at one look. */
function renderMemory(samples: readonly Sample[]): string {
  const marks = [1e5, 1e6, 2e6, 5e6, 1e7];
  const lines = marks.flatMap((mark) => {
    const sample = samples.find(({ answered }) => answered >= mark);
    return sample === undefined
      ? []
      : [`${mark.toLocaleString('en-US')}: ${sample.gatewayMib} MiB`];
  });
  const most = Math.max(0, ...samples.map(({ gatewayMib }) => gatewayMib));
  return `resident memory of the gateway after ${[...lines, `most: ${most} MiB`].join(', ')}`;
}

/** As an operator does. Without an answer (admin is slow, say) the rate stays. */
async function setRate(run: RunFolder, rate: string): Promise<void> {
  const args = [CLI, 'rate', 'set', rate, '--reason', 'soak'];
  const env = { ...process.env, UNDERSTUDY_RUN: run.path };
  await once(spawn(process.execPath, args, { stdio: 'ignore', env }), 'exit');
}

/** One fault after the other, until it is told to stop. */
async function disturb(
  run: RunFolder,
  signal: AbortSignal,
  mayKill: () => boolean,
): Promise<number> {
  let kills = 0;
  for (let turn = 0; !signal.aborted; turn += 1) {
    await sleep(2_500, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    if (turn % 3 === 0) writeFileSync(run.mirrorOff, '');
    if (turn % 3 === 1) rmSync(run.mirrorOff, { force: true });
    if (turn % 3 === 2) await setRate(run, turn % 2 === 0 ? '100%' : '40%');
    if (turn % KILL_EVERY !== KILL_EVERY - 1 || !mayKill()) continue;
    const { mirror } = await readInstance(run);
    const pid = mirror?.pid;
    if (pid === undefined) continue;
    process.kill(pid, 'SIGKILL');
    kills += 1;
  }
  rmSync(run.mirrorOff, { force: true });
  return kills;
}

/** Nothing open, in flight, in transit or pending, and the same twice. */
async function atRest(run: RunFolder): Promise<Waterfall> {
  let before = '';
  return until(
    'the instance is at rest',
    async () => {
      const instance = await readInstance(run);
      const waterfall = buildWaterfall(instance.gateways, instance.mirror);
      const now = isQuiet(instance, waterfall) ? JSON.stringify(waterfall) : '';
      const isSame = now !== '' && now === before;
      before = now;
      return isSame ? waterfall : null;
    },
    REST_MS,
  );
}

function isQuiet({ mirror }: InstanceStatus, waterfall: Waterfall): boolean {
  const open = waterfall.candidates.reduce((sum, candidate) => sum + Math.abs(candidate.open), 0);
  const left =
    waterfall.exchanges.open + waterfall.legsInFlight + (waterfall.inTransit ?? 1) + open;
  return mirror !== null && mirror.recorder.pendingBytes === 0 && left === 0;
}

/** What does not hold, in words. */
function faultsOf(waterfall: Waterfall, samples: readonly Sample[], exchanges: number): string[] {
  const faults = waterfall.sums
    .filter(({ ok }) => !ok)
    .map(({ what }) => `does not add up: ${what}`);
  const { seen, states } = waterfall.exchanges;
  if (seen !== exchanges) faults.push(`${exchanges} were sent, ${seen} were seen`);
  const settled = states.reduce((sum, { count }) => sum + count, 0);
  if (settled !== exchanges) faults.push(`${exchanges} were sent, ${settled} have a state`);
  for (const candidate of waterfall.candidates) {
    const legs = candidate.states.reduce((sum, { count }) => sum + count, 0);
    const offered = states.find(({ state }) => state === 'offered')?.count ?? 0;
    if (legs !== offered) faults.push(`${candidate.name}: ${offered} offered, ${legs} legs`);
  }
  faults.push(...unseenIn(waterfall, exchanges));
  const gateway = samples.map(({ gatewayMib }) => gatewayMib);
  faults.push(...growthOf('gateway', gateway, RSS_SLACK_MIB));
  // Only of its last life, from the middle on.
  const lived = samples.filter(({ answered }) => answered > exchanges / 2);
  const mirror = lived.map(({ mirrorMib }) => mirrorMib).filter((mib) => mib > 0);
  faults.push(...growthOf('mirror', mirror, MIRROR_SLACK_MIB));
  return faults;
}

function growthOf(name: string, mib: readonly number[], slackMib: number): string[] {
  const warm = mib[Math.floor(mib.length * WARM_SHARE)] ?? 0;
  const last = mib.at(-1) ?? 0;
  if (last <= warm * RSS_GROWTH + slackMib) return [];
  return [`the ${name} has grown from ${warm} to ${last} MiB`];
}

async function soak(run: RunFolder, exchanges: number, connections: number): Promise<string[]> {
  const callers = new Callers({ port: await portOf(run), connections, exchanges });
  const stop = new AbortController();
  const samples: Sample[] = [];
  const disturbing = disturb(run, stop.signal, () => callers.answered < exchanges / 2);
  const sampling = setInterval(() => {
    takeSample(run, callers).then(
      (sample) => samples.push(sample),
      () => undefined, // a mirror that is just dying: the next one
    );
  }, SAMPLE_MS);
  const startedMs = performance.now();
  try {
    await callers.run();
  } finally {
    stop.abort();
    clearInterval(sampling);
  }
  const kills = await disturbing;
  const seconds = (performance.now() - startedMs) / 1_000;
  const waterfall = await atRest(run);
  samples.push(await takeSample(run, callers));
  console.log(`\n${renderWaterfall(waterfall)}\n`);
  console.log(
    `${exchanges} exchanges in ${seconds.toFixed(0)} s, the mirror was killed ${kills} times`,
  );
  console.log(renderMemory(samples));
  return faultsOf(waterfall, samples, exchanges);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await ended;
  clearTimeout(limit);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      exchanges: { type: 'string', default: '10000000' },
      connections: { type: 'string', default: '32' },
    },
  });
  const exchanges = Number(values.exchanges);
  const connections = Number(values.connections);
  if (!(Number.isSafeInteger(exchanges) && exchanges >= connections && connections >= 1)) {
    console.error('soak: --exchanges N, --connections M: whole numbers, N ≥ M ≥ 1');
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'und-soak-'));
  const config = join(folder, 'understudy.yaml');
  writeFileSync(config, await configOf(folder, exchanges));
  const log = openSync(join(folder, 'log'), 'w');
  const children = ROLES.map((role) =>
    spawn(process.execPath, [CLI, 'serve', '--config', config, '--role', role], {
      stdio: ['ignore', log, log],
    }),
  );
  let faults: string[];
  try {
    faults = await soak(runFolder(join(folder, 'run')), exchanges, connections);
  } catch (error) {
    faults = [String(error), readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)];
  }
  for (const child of children) await stopped(child);
  for (const fault of faults) console.error(`soak: ${fault}`);
  if (faults.length === 0) console.log('both ledgers balance to the last exchange; memory is flat');
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  else console.error(`soak: the instance's files are left in ${folder}`);
  return faults.length === 0 ? 0 : 1;
}

// Idle caller connections and servers are still open.
process.exit(await main());
