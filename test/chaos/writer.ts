/**
 * What a mirror does with its recorder, without the rest: records pairs at a rate, journals them, publishes them.
 * A child process, so that it can be killed. Its input is one JSON argument; it says its status every 100 ms.
 */
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import type { LegKey } from '../../src/pair/leg-states.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import type { PublisherStatus } from '../../src/record/recorder-port.ts';
import { LogLines } from '../../src/telemetry/log-lines.ts';

export interface WriterInput {
  readonly dataDir: string;
  readonly kafka: KafkaConfig;
  /** One life of a gateway. */
  readonly epoch: string;
  /** Exchanges a second; each makes two pairs with one key. */
  readonly ratePerSecond: number;
  /** Every so many pairs there is one that no topic takes; 0: none. */
  readonly poisonEvery: number;
}

/** What the parent says: another rate (0: none), or to end. */
export type ToWriter = { readonly ratePerSecond: number } | 'close';

export interface WriterStatus {
  readonly recorded: number;
  readonly publisher: PublisherStatus | null;
}

const TICK_MS = 10;
const STATUS_MS = 100;
const CANDIDATES = ['new', 'newer'] as const;

const input: WriterInput = JSON.parse(process.argv[2] ?? '{}');
const { dataDir, kafka, epoch } = input;
const log = new LogLines({ process: 'writer', level: 'info' });
const config = { dataDir, instance: 'chaos', journal: DEFAULTS.journal, kafka };
const recorder = await openRecorder(config, () => undefined, log);
let { ratePerSecond } = input;
let recorded = 0;
let exchanges = 0;
let owed = 0;

const feed = setInterval(() => {
  owed += (ratePerSecond * TICK_MS) / 1_000;
  for (; owed >= 1; owed -= 1) record();
}, TICK_MS);
const status = setInterval(() => say(), STATUS_MS);
process.on('message', (message: ToWriter) => {
  if (message === 'close') void close();
  else ratePerSecond = message.ratePerSecond;
});
process.on('disconnect', () => process.exit(1)); // the parent has ended

function record(): void {
  exchanges += 1;
  const key = `${epoch}.${exchanges}`;
  for (const candidate of CANDIDATES) {
    recorded += 1;
    const id = `${key}/${candidate}`;
    const isPoison = input.poisonEvery > 0 && recorded % input.poisonEvery === 0;
    const pad = 'naïve '.repeat(isPoison ? 2 * kafka.maxMessageBytes : 120);
    const leg: LegKey = { epoch, candidate, route: 'score', hour: 490_000, sizeClass: 'le_1k' };
    const timeMs = Date.now();
    const json = JSON.stringify({ schema: 'understudy.pair/1', id, key, timeMs, pad });
    recorder.record({ leg, state: 'paired', reason: '', id, key, experiment: 'x', timeMs, json });
  }
}

function say(): void {
  const said: WriterStatus = { recorded, publisher: recorder.status().publisher };
  process.send?.(said);
}

/** Cannot reject: neither does what it awaits. */
async function close(): Promise<void> {
  clearInterval(feed);
  await recorder.close();
  clearInterval(status);
  say();
  process.disconnect();
}
