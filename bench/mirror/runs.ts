/** The runs of the mirror bench: each starts a mirror of its own, feeds it, and checks its books at the end. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { PinnedProcess } from '../pinned.ts';
import { processTicks, TICK_MS } from '../proc.ts';
import { BenchCandidate, type Pace } from './candidate.ts';
import {
  httpSections,
  loanExchanges,
  ONNX_NAME,
  onnxSections,
  plainExchanges,
} from './exchanges.ts';
import { type Exchange, Feeder } from './feeder.ts';
import { partTimes } from './parts.ts';
import { MirrorProcess } from './process.ts';

export const BODY_BYTES = 400;
/** Exchanges under way: more than are in flight, so that the mirror never waits for one. */
const WINDOW = 512;
const WARM_MS = 2_500;
/** Without answers to count, done is what the status says. */
const STATUS_EVERY_MS = 50;

export interface Stage {
  readonly folder: string;
  readonly mirrorCore: number | null;
  readonly otherCore: number | null;
  readonly seconds: number;
}

export interface Speed {
  readonly pairsPerSecond: number;
  /** Of all its threads, and of the main one. */
  readonly cpuUs: number;
  readonly mainUs: number;
  readonly rssMib: number;
  /** Losses by state and reason; empty as it should be. */
  readonly lost: Readonly<Record<string, number>>;
}

/** A mirror with these sections, fed by `feed`, and its books at the end. */
export async function withMirror<T>(
  stage: Stage,
  setup: {
    readonly sections: string;
    readonly exchanges: readonly Exchange[];
    readonly models?: readonly string[];
    readonly profileFolder?: string;
  },
  feed: (mirror: MirrorProcess, feeder: Feeder) => Promise<T>,
): Promise<{ readonly result: T; readonly books: MirrorStatus }> {
  const { sections, exchanges, models = [], profileFolder = '' } = setup;
  const folder = mkdtempSync(join(stage.folder, 'run-'));
  const { mirrorCore: core, otherCore: modelCore } = stage;
  const mirror = await MirrorProcess.start({
    ...{ folder, sections, core, modelCore, models, profileFolder },
  });
  try {
    const feeder = await Feeder.connect({ path: mirror.wireSocket, exchanges });
    const result = await feed(mirror, feeder);
    await feeder.end();
    const books = await mirror.settled(feeder.offered);
    expectBalance(books, feeder.offered);
    return { result, books };
  } finally {
    await mirror.stop();
  }
}

/** Each candidate's legs add up to what was offered. */
function expectBalance(books: MirrorStatus, offered: number): void {
  for (const { name } of books.candidates) {
    const legs = books.legs.filter(({ candidate }) => candidate === name);
    const sum = legs.reduce((total, { count }) => total + count, 0);
    if (sum !== offered) throw new Error(`${name}: ${offered} offered, ${sum} legs`);
  }
}

export function lossesIn(books: MirrorStatus): Record<string, number> {
  const losses: Record<string, number> = {};
  for (const { state, reason, count } of books.legs) {
    if (state === 'paired') continue;
    const what = reason === '' ? state : `${state}(${reason})`;
    losses[what] = (losses[what] ?? 0) + count;
  }
  return losses;
}

/** As many pairs as it makes: with so many HTTP candidates. @param more - further sections */
export async function httpSpeed(stage: Stage, candidates: number, more = ''): Promise<Speed> {
  const servers = await startAll(Array.from({ length: candidates }, () => 'fast' as const));
  try {
    const sections = httpSections(
      servers.map(({ port }) => port),
      more,
    );
    const exchanges = plainExchanges(BODY_BYTES);
    const { result, books } = await withMirror(
      stage,
      { sections, exchanges },
      async (mirror, feeder) => {
        followAnswers(feeder, servers);
        return measure(stage, mirror);
      },
    );
    return { ...result, lost: lossesIn(books) };
  } finally {
    for (const server of servers) server.stop();
  }
}

/** The demo's model in its own process, on the other core. */
export async function onnxSpeed(stage: Stage): Promise<Speed> {
  const setup = { sections: onnxSections(), exchanges: loanExchanges(), models: [ONNX_NAME] };
  const { result, books } = await withMirror(stage, setup, async (mirror, feeder) => {
    let done = 0;
    const looking = setInterval(() => {
      mirror.status().then(
        ({ legs }) => {
          done = legs.reduce((sum, { count }) => sum + count, 0);
        },
        () => undefined,
      );
    }, STATUS_EVERY_MS);
    feeder.keep(WINDOW * 4, () => done);
    try {
      return await measure(stage, mirror);
    } finally {
      clearInterval(looking);
    }
  });
  return { ...result, lost: lossesIn(books) };
}

function followAnswers(feeder: Feeder, servers: readonly BenchCandidate[]): void {
  const done = (): number => Math.min(...servers.map(({ answered }) => answered));
  for (const server of servers) server.onAnswer = () => feeder.pump();
  feeder.keep(WINDOW, done);
}

export function startAll(paces: readonly Pace[]): Promise<BenchCandidate[]> {
  return Promise.all(paces.map((pace) => BenchCandidate.start(pace)));
}

async function measure(stage: Stage, mirror: MirrorProcess): Promise<Omit<Speed, 'lost'>> {
  await sleep(WARM_MS);
  const committed = async (): Promise<number> => (await mirror.status()).recorder.committedPairs;
  const [before, cpuBefore, startedMs] = [await committed(), mirror.cpuMs(), performance.now()];
  await sleep(stage.seconds * 1_000);
  const [after, cpuAfter, endedMs] = [await committed(), mirror.cpuMs(), performance.now()];
  const pairs = after - before;
  return {
    pairsPerSecond: (pairs / (endedMs - startedMs)) * 1_000,
    cpuUs: ((cpuAfter.all - cpuBefore.all) / pairs) * 1_000,
    mainUs: ((cpuAfter.main - cpuBefore.main) / pairs) * 1_000,
    rssMib: mirror.rssMib(),
  };
}

/** The same copies, as a user would send them first: pairs are the answers it has had. */
export async function plainSpeed(stage: Stage): Promise<Speed> {
  const folder = mkdtempSync(join(stage.folder, 'plain-'));
  const socket = join(folder, 'wire.sock');
  const [server] = await startAll(['fast']);
  if (server === undefined) throw new Error('no candidate');
  const child = new PinnedProcess({
    command: process.execPath,
    args: [
      fileURLToPath(new URL('../peers/plain-mirror.ts', import.meta.url)),
      ...[socket, String(server.port), join(folder, 'pairs.ndjson')],
    ],
    core: stage.mirrorCore,
    logFile: join(folder, 'log'),
  });
  try {
    while (!existsSync(socket) && !child.ended) await sleep(50);
    const feeder = await Feeder.connect({ path: socket, exchanges: plainExchanges(BODY_BYTES) });
    followAnswers(feeder, [server]);
    await sleep(WARM_MS);
    const [before, ticks, startedMs] = [
      server.answered,
      processTicks(child.pid),
      performance.now(),
    ];
    await sleep(stage.seconds * 1_000);
    const pairs = server.answered - before;
    const ms = performance.now() - startedMs;
    const cpuUs = ((processTicks(child.pid).own - ticks.own) * TICK_MS * 1_000) / pairs;
    const rssMib = rssOf(child.pid);
    feeder.pause();
    return { pairsPerSecond: (pairs / ms) * 1_000, cpuUs, mainUs: cpuUs, rssMib, lost: {} };
  } finally {
    await child.stop();
    server.stop();
  }
}

function rssOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_024;
}

/** µs a pair by part, threads apart: main, recorder. */
export async function profileParts(stage: Stage): Promise<readonly Map<string, number>[]> {
  const profileFolder = mkdtempSync(join(stage.folder, 'profile-'));
  mkdirSync(profileFolder, { recursive: true });
  const servers = await startAll(['fast']);
  const window = { fromUs: 0, toUs: 0 };
  const sections = httpSections(
    servers.map(({ port }) => port),
    '',
  );
  const exchanges = plainExchanges(BODY_BYTES);
  const { result: pairs } = await withMirror(
    stage,
    { sections, exchanges, profileFolder },
    async (mirror, feeder) => {
      followAnswers(feeder, servers);
      await sleep(WARM_MS);
      const before = (await mirror.status()).recorder.committedPairs;
      window.fromUs = Number(process.hrtime.bigint() / 1_000n);
      await sleep(stage.seconds * 1_000);
      window.toUs = Number(process.hrtime.bigint() / 1_000n);
      return (await mirror.status()).recorder.committedPairs - before;
    },
  );
  for (const server of servers) server.stop();
  const files = readdirSync(profileFolder).sort((a, b) => threadOf(a) - threadOf(b));
  return files.map((file) => {
    const times = partTimes(readFileSync(join(profileFolder, file), 'utf8'), window);
    return new Map([...times].map(([part, us]) => [part, us / pairs]));
  });
}

/** `CPU.DATE.TIME.PID.THREAD.SEQ.cpuprofile` */
function threadOf(file: string): number {
  return Number(file.split('.')[4]);
}
