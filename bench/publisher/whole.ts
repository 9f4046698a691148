/**
 * The whole way of a pair on one core: the mirror's recorder, its recorder thread with the journal on disk, its
 * publisher thread with a real broker; fed as fast as it takes pairs. And what it costs when there are none.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import type { PairEntry, Recorder } from '../../src/record/recorder-port.ts';
import type { Log } from '../../src/telemetry/log-lines.ts';
import { type Cost, startMeter } from './cost.ts';
import { pairEntry } from './pairs.ts';

const CHUNK = 250;
/** Fed while less waits for the journal: the mirror's own limit is 32 MiB. */
const PENDING_BYTES_MAX = 8 * 2 ** 20;
/** Start and end are left out. */
const FROM_SHARE = 0.2;
const TO_SHARE = 0.95;
const IDLE_MS = 8_000;
const nothing = (): void => undefined;
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface WholeInput {
  readonly kafka: KafkaConfig;
  /** Under which the journal's folder is made. */
  readonly folder: string;
  readonly pairs: number;
}

export interface WholeResult {
  readonly cost: Cost;
  readonly idle: Cost;
}

export async function measureWhole({ kafka, folder, pairs }: WholeInput): Promise<WholeResult> {
  const dataDir = mkdtempSync(join(folder, 'whole-'));
  const config = { dataDir, instance: 'bench', journal: DEFAULTS.journal, kafka };
  const recorder = await openRecorder(config, nothing, SILENT);
  try {
    const entries = Array.from({ length: pairs }, (_, i) => pairEntry('bench', i + 1));
    while (recorder.status().publisher?.state !== 'connected') await sleep(10);
    const cost = await run(recorder, entries);
    await sleep(1_000);
    const idling = startMeter();
    await sleep(IDLE_MS);
    return { cost, idle: idling(0) };
  } finally {
    await recorder.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** What is published is told four times a second: both ends of the window are such moments. */
async function run(recorder: Recorder, entries: readonly PairEntry[]): Promise<Cost> {
  const published = (): number => recorder.status().publisher?.published ?? 0;
  const until = async (share: number): Promise<number> => {
    while (published() < share * entries.length) await sleep(5);
    return published();
  };
  const feeding = feed(recorder, entries);
  const from = await until(FROM_SHARE);
  const meter = startMeter();
  const to = await until(TO_SHARE);
  const cost = meter(to - from);
  await feeding;
  await until(1);
  return cost;
}

async function feed(recorder: Recorder, entries: readonly PairEntry[]): Promise<void> {
  for (let at = 0; at < entries.length; at += CHUNK) {
    while (recorder.status().pendingBytes > PENDING_BYTES_MAX) await sleep(1);
    for (const entry of entries.slice(at, at + CHUNK)) recorder.record(entry);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
