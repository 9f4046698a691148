/**
 * A backlog that is made up for while the mirror works: an instance as operators run it, callers at a rate of
 * their own, and a journal that holds the backlog at the start.
 *
 *   outage: no topic yet ──topics are made──► drain: backlog and live pairs ──nothing behind──► normal
 *
 * How long copies waited for their dispatch stands in their pairs, which are read from the journal afterwards.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { KafkaConfig } from '../../src/config/types.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { FileAuthenticator } from '../../src/record/kafka/kafka-security.ts';
import { ensureTopics } from '../../src/record/kafka/kafka-topics.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import type { PublisherStatus } from '../../src/record/recorder-port.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { makeCertificate } from '../certificate.ts';
import { Peers } from '../peers.ts';
import { findProgram, PinnedProcess } from '../pinned.ts';
import { processTicks, TICK_MS } from '../proc.ts';
import type { RunningTarget } from '../targets.ts';
import { startUnderstudy } from '../understudy.ts';
import { JOURNAL_OPTIONS, pairEntry } from './pairs.ts';

const CONNECTIONS = 32;
const BODY_BYTES = 400;
/** Before anything is measured. */
const WARM_UP_MS = 6_000;
const PHASE_MS = 15_000;
const DRAIN_MS_MAX = 150_000;
/** Nothing is behind but what is under way. */
const BEHIND_SECONDS = 0.5;
const POLL_MS = 250;
const STATUS_TRIES = 20;
const BATCH = 500;
const EPOCH = 'bench000000000000001';
const OPEN_LOOP = fileURLToPath(new URL('../open-loop.ts', import.meta.url));

export interface BacklogInput {
  /** Its topics are missing; `createTopics` is for us. */
  readonly kafka: KafkaConfig;
  readonly folder: string;
  readonly backlog: number;
  readonly livePerSecond: number;
  readonly loadCore: number | null;
  readonly subjectCore: number | null;
}

/** How long copies waited between their exchange's end and their dispatch. */
export interface Waits {
  readonly phase: 'outage' | 'drain' | 'normal';
  readonly copies: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the mirror process, share of a core. */
  readonly mirrorCores: number;
}

export interface BacklogResult {
  readonly backlog: number;
  readonly seconds: number;
  /** Published in that time, live ones included. */
  readonly published: number;
  readonly waits: readonly Waits[];
}

interface Phase {
  readonly phase: Waits['phase'];
  readonly fromMs: number;
  readonly toMs: number;
  readonly cpuMs: number;
}

export async function measureBacklog(input: BacklogInput): Promise<BacklogResult> {
  const { folder, kafka, loadCore, subjectCore } = input;
  const home = join(folder, 'backlog');
  const dataDir = join(home, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  prefill(dataDir, input.backlog);
  const peers = await Peers.start({ nginx: findProgram('nginx'), core: loadCore, folder: home });
  let target: RunningTarget | null = null;
  let load: PinnedProcess | null = null;
  try {
    const places = { proxyCore: subjectCore, backstageCore: subjectCore };
    const certificate = makeCertificate(home);
    const context = { peers, ...places, gateways: 1, certificate, folder: home, env: {} };
    const candidate = [`url: http://127.0.0.1:${peers.candidatePort}`];
    target = await startUnderstudy(context, { mirror: true, candidate, kafka });
    load = startLoad(target.port, input, home);
    return await watch(target, input, dataDir);
  } catch (error) {
    process.stderr.write(readFileSync(join(home, 'understudy.log'), 'utf8').slice(-4_000));
    throw error;
  } finally {
    await load?.stop();
    await target?.stop();
    await peers.stop();
  }
}

/** Pairs that wait for Kafka, and the counts that belong to them. */
function prefill(dataDir: string, count: number): void {
  const journal = new Journal(journalPath(dataDir), JOURNAL_OPTIONS);
  for (let at = 0; at < count; at += BATCH) {
    const size = Math.min(BATCH, count - at);
    const entries = Array.from({ length: size }, (_, i) => pairEntry(EPOCH, at + i + 1));
    const batch = { session: '', number: 0, entries, counts: [], ledgers: [] };
    journal.commit(batch, [], Date.now());
  }
  journal.close();
}

function startLoad(port: number, input: BacklogInput, home: string): PinnedProcess {
  const seconds = (WARM_UP_MS + 2 * PHASE_MS + DRAIN_MS_MAX) / 1_000 + 60;
  const args = [OPEN_LOOP, port, CONNECTIONS, input.livePerSecond, seconds, BODY_BYTES].map(String);
  const logFile = join(home, 'load.log');
  return new PinnedProcess({ command: process.execPath, args, core: input.loadCore, logFile });
}

async function watch(
  target: RunningTarget,
  { kafka, folder, backlog, livePerSecond }: BacklogInput,
  dataDir: string,
): Promise<BacklogResult> {
  const socket = runFolder(join(folder, 'backlog', 'run')).statusSocket('mirror');
  const mirrorPid = target.processes.find(({ name }) => name === 'mirror')?.pid ?? 0;
  const status = async (): Promise<PublisherStatus> => {
    const { pid, recorder } = await readPatiently(socket);
    if (pid !== mirrorPid) throw new Error('the mirror was started again');
    if (recorder.publisher === null) throw new Error('the instance does not publish');
    return recorder.publisher;
  };
  const cpuMs = (): number => processTicks(mirrorPid).own * TICK_MS;
  await sleep(WARM_UP_MS);
  const phases: Phase[] = [];
  const inPhase = async (phase: Waits['phase'], run: () => Promise<unknown>): Promise<void> => {
    const [fromMs, cpuBefore] = [Date.now(), cpuMs()];
    await run();
    phases.push({ phase, fromMs, toMs: Date.now(), cpuMs: cpuMs() - cpuBefore });
  };
  await inPhase('outage', () => sleep(PHASE_MS));
  await ensureTopics(kafka, new FileAuthenticator(kafka).connection());
  await untilTrue(async () => (await status()).published > 0, 60_000);
  const before = (await status()).published;
  await inPhase('drain', () =>
    untilTrue(async () => (await status()).lag < BEHIND_SECONDS * livePerSecond, DRAIN_MS_MAX),
  );
  const published = (await status()).published - before;
  await inPhase('normal', () => sleep(PHASE_MS));
  const drain = phases.find(({ phase }) => phase === 'drain');
  const seconds = ((drain?.toMs ?? 0) - (drain?.fromMs ?? 0)) / 1_000;
  return { backlog, seconds, published, waits: waitsOf(dataDir, backlog, phases) };
}

/** On a busy machine an answer may be late. */
async function readPatiently(socket: string): Promise<MirrorStatus> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readStatus<MirrorStatus>(socket);
    } catch (error) {
      if (tries === STATUS_TRIES) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** @param after - sequence of the last pair that is not live */
function waitsOf(dataDir: string, after: number, phases: readonly Phase[]): Waits[] {
  const waits = new Map<Phase, number[]>(phases.map((phase) => [phase, []]));
  const reader = JournalReader.open(dataDir);
  for (let seq = after, page = reader.pairsAfter(seq, BATCH); page.length > 0; ) {
    for (const { json } of page) {
      const pair: { time: string; candidate: { queue_ms: number } } = JSON.parse(json);
      const atMs = Date.parse(pair.time);
      const phase = phases.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
      if (phase !== undefined) waits.get(phase)?.push(pair.candidate.queue_ms);
    }
    seq = page.at(-1)?.seq ?? seq;
    page = reader.pairsAfter(seq, BATCH);
  }
  reader.close();
  return Array.from(waits, ([{ phase, fromMs, toMs, cpuMs }, found]) => {
    found.sort((a, b) => a - b);
    const at = (share: number): number => found[Math.floor(found.length * share)] ?? Number.NaN;
    const mirrorCores = cpuMs / (toMs - fromMs);
    return { phase, copies: found.length, p50Ms: at(0.5), p99Ms: at(0.99), mirrorCores };
  });
}

async function untilTrue(isTrue: () => Promise<boolean>, patienceMs: number): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`not over after ${patienceMs / 1_000} s`);
    await sleep(POLL_MS);
  }
}
