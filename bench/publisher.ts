/**
 * What a pair costs from the mirror to Kafka, and what it costs the mirror.
 *
 *   npm run bench:publisher                        all parts, about 6 minutes
 *   npm run bench:publisher -- --only whole,driver
 *   npm run bench:publisher -- --only whole --profile FOLDER
 *   npm run bench:publisher -- --save              into bench/RESULTS.md
 *
 * A real broker, made for it, and all load on one core; what is measured on the other. CPU a pair is that of the
 * measured process alone, so other work on the machine disturbs it less than pairs a second.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEFAULTS } from '../src/config/defaults.ts';
import type { KafkaConfig } from '../src/config/types.ts';
import { startKafka } from '../test/services/kafka.ts';
import { publisherConditions } from './conditions.ts';
import { findProgram, moveToCore, runPinned } from './pinned.ts';
import { measureBacklog } from './publisher/backlog.ts';
import type { DriverCost } from './publisher/driver-cost.ts';
import type { JournalCost } from './publisher/journal-cost.ts';
import { backlogTable, driverTable, journalTable, wholeTable } from './publisher/render.ts';
import type { SubjectInput } from './publisher/subject.ts';
import type { WholeResult } from './publisher/whole.ts';
import { saveResults } from './results.ts';

const PARTS = ['journal', 'driver', 'whole', 'backlog'] as const;
type Part = (typeof PARTS)[number];

const PARTITIONS = 6;
const JOURNAL_PAIRS = 50_000;
const DRIVER_PAIRS = 30_000;
const WHOLE_PAIRS = 150_000;
const BACKLOG_PAIRS = 1_000_000;
const PART_TIMEOUT_MS = 240_000;
const SUBJECT = fileURLToPath(new URL('./publisher/subject.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join() },
    /** Share of the pairs, 0 to 1: to see whether it runs. */
    scale: { type: 'string', default: '1' },
    live: { type: 'string', default: '2000' },
    profile: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});
const parts = values.only.split(',').map((name) => {
  const part = PARTS.find((one) => one === name);
  if (part === undefined) throw new Error(`no part ${name}: there are ${PARTS.join(', ')}`);
  return part;
});

const scaled = (pairs: number): number => Math.ceil(pairs * Number(values.scale));

const canPin = findProgram('taskset') !== null && availableParallelism() > 1;
const [loadCore, subjectCore] = canPin ? [0, 1] : [null, null];

/** The part in a process of its own. */
async function inSubject<T>(input: SubjectInput): Promise<T> {
  const profile = values.profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const args = [...profile, SUBJECT, JSON.stringify(input)];
  const options = { command: process.execPath, args, core: subjectCore };
  return JSON.parse(await runPinned(options, PART_TIMEOUT_MS));
}

function kafkaOf(brokers: readonly string[], changes: Partial<KafkaConfig> = {}): KafkaConfig {
  const id = randomUUID();
  return {
    ...DEFAULTS.kafka,
    brokers,
    createTopics: true,
    pairsTopic: `bench-${id}`,
    accountingTopic: `bench-accounting-${id}`,
    partitions: PARTITIONS,
    ...changes,
  };
}

async function run(part: Part, brokers: readonly string[], folder: string): Promise<string> {
  switch (part) {
    case 'journal': {
      const input = { what: 'journal', folder, pairs: scaled(JOURNAL_PAIRS) } as const;
      return journalTable(await inSubject<JournalCost[]>(input));
    }
    case 'driver': {
      const input = {
        what: 'driver',
        kafka: kafkaOf(brokers),
        pairs: scaled(DRIVER_PAIRS),
      } as const;
      return driverTable(await inSubject<DriverCost[]>(input));
    }
    case 'whole': {
      const results: { name: string; result: WholeResult }[] = [];
      for (const compression of ['none', 'lz4', 'zstd'] as const) {
        const kafka = kafkaOf(brokers, { compression });
        const input = { what: 'whole', kafka, folder, pairs: scaled(WHOLE_PAIRS) } as const;
        results.push({ name: compression, result: await inSubject<WholeResult>(input) });
      }
      return wholeTable(results);
    }
    case 'backlog': {
      const [backlog, livePerSecond] = [scaled(BACKLOG_PAIRS), Number(values.live)];
      const kafka = kafkaOf(brokers);
      const input = { kafka, folder, backlog, livePerSecond, loadCore, subjectCore };
      return backlogTable(await measureBacklog(input));
    }
  }
}

async function main(): Promise<void> {
  // Children inherit it: the broker stays off the core of what is measured.
  if (loadCore !== null) moveToCore(process.pid, loadCore);
  const broker = parts.some((part) => part !== 'journal') ? await startKafka() : null;
  if (broker !== null && 'skipped' in broker) throw new Error(broker.skipped);
  const folder = mkdtempSync(join(tmpdir(), 'und-bench-'));
  try {
    const conditions = publisherConditions(folder, [loadCore, subjectCore]);
    for (const [name, value] of conditions) console.log(`${`${name}:`.padEnd(23)} ${value}`);
    const tables: string[] = [];
    for (const part of parts) {
      const table = await run(part, broker?.brokers ?? [], folder);
      console.log(`\n${table}`);
      tables.push(table);
    }
    if (values.save) saveResults('publisher', { conditions, tables: tables.join('\n\n') });
  } finally {
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
