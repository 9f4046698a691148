/** Waits and memory of the mirror: at half its speed, at its caps, and with a candidate that is far too slow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pair } from '../../src/pair/pair.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { httpSections, plainExchanges } from './exchanges.ts';
import type { MirrorProcess } from './process.ts';
import { BODY_BYTES, lossesIn, type Stage, startAll, withMirror } from './runs.ts';

/** Until V8 has compiled what is hot: with 2 s, a backlog of the start stood in one of two runs. */
const WARM_MS = 5_000;
const PAGE = 5_000;
const SAMPLE_MS = 1_000;

export interface Waits {
  readonly perSecond: number;
  readonly pairs: number;
  /** Milliseconds from the exchange's end at the gateway to its copy's dispatch. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Pairs flagged `mirror_busy`: they count here all the same. */
  readonly busy: number;
}

/** @param perSecond - exchanges offered */
export async function queueWaits(stage: Stage, perSecond: number): Promise<Waits> {
  const servers = await startAll(['fast']);
  const sections = httpSections(
    servers.map(({ port }) => port),
    'journal: { retentionMs: 3600000 }\n',
  );
  const exchanges = plainExchanges(BODY_BYTES);
  try {
    const { result } = await withMirror(stage, { sections, exchanges }, async (mirror, feeder) => {
      feeder.pace(perSecond);
      await sleep(WARM_MS);
      const first = feeder.offered;
      await sleep(stage.seconds * 1_000);
      feeder.pause();
      const last = feeder.offered;
      await mirror.settled(last);
      return waitsIn(mirror.dataDir, first, last);
    });
    return { perSecond, ...result };
  } finally {
    for (const server of servers) server.stop();
  }
}

/** Of the pairs with sequences in (first, last]. */
function waitsIn(dataDir: string, first: number, last: number): Omit<Waits, 'perSecond'> {
  const reader = JournalReader.open(dataDir);
  const waits: number[] = [];
  let busy = 0;
  let seq = 0;
  for (let page = reader.pairsAfter(seq, PAGE); page.length > 0; ) {
    for (const { json } of page) {
      const pair: Pair = JSON.parse(json);
      if (pair.seq <= first || pair.seq > last) continue;
      waits.push(pair.candidate.queue_ms);
      if (pair.flags.includes('mirror_busy')) busy += 1;
    }
    seq = page.at(-1)?.seq ?? seq;
    page = reader.pairsAfter(seq, PAGE);
  }
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN;
  return {
    pairs: waits.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: waits.at(-1) ?? Number.NaN,
    busy,
  };
}

export interface Load {
  readonly offered: number;
  /** Requests that the candidate has had whole, and answers it has given. */
  readonly received: number;
  readonly answered: number;
  /** Resident memory, MiB, one a second, from its warm-up on. */
  readonly rssMib: readonly number[];
  readonly heldMib: number;
  readonly lost: Readonly<Record<string, number>>;
}

interface LoadOptions {
  readonly pace: 'hangs' | number;
  /** Exchanges a second. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly bodyBytes: number;
  /** Keys of the candidate, as YAML in braces: `, maxInFlight: 8` */
  readonly candidate: string;
  /** Further sections. */
  readonly more: string;
}

/** A load that the candidate cannot take: what is shed, counted to the last copy, and what memory does meanwhile. */
export async function overload(stage: Stage, options: LoadOptions): Promise<Load> {
  const [server] = await startAll([options.pace]);
  if (server === undefined) throw new Error('no candidate');
  const sections = httpSections([server.port], options.more, options.candidate);
  const exchanges = plainExchanges(options.bodyBytes);
  try {
    const { result, books } = await withMirror(
      stage,
      { sections, exchanges },
      async (mirror, feeder) => {
        feeder.pace(options.perSecond);
        await sleep(WARM_MS);
        const watched = await watch(mirror, options.seconds);
        feeder.pause();
        return { ...watched, offered: feeder.offered };
      },
    );
    const { received, answered } = server;
    return { ...result, received, answered, lost: lossesIn(books) };
  } finally {
    server.stop();
  }
}

async function watch(mirror: MirrorProcess, seconds: number) {
  const rssMib: number[] = [];
  let held = 0;
  for (let second = 0; second < seconds; second += 1) {
    await sleep(SAMPLE_MS);
    rssMib.push(mirror.rssMib());
    held = Math.max(held, (await mirror.status()).queuedBytes);
  }
  return { rssMib, heldMib: held / 1_024 / 1_024 };
}
