/**
 * K-10: an outage, then twice the load while the backlog is made up for. Shortened to seconds; in full:
 *
 *   OUTAGE_MINUTES=10 npm exec -- vitest run test/record/publisher-catch-up.test.ts
 */
import { afterAll, expect, test } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { FaultProxy } from '../services/fault-proxy.ts';
import { startKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { entryOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

const PAIRS_PER_TICK = 6;
const TICK_MS = 20;
/** More than what counts as live, so that there is a backlog. */
const OUTAGE_PAIRS = 5 * LIMITS.publisherLivePairs;
const OUTAGE_MS = Number(process.env.OUTAGE_MINUTES ?? 0) * 60_000;
const isLong = OUTAGE_MS > 0;
/** Twice what the live pairs need, and more for a backlog of minutes. */
const BYTES_PER_SECOND = isLong ? 800_000 : 400_000;
const CATCH_UP_MS_MAX = 60_000 + OUTAGE_MS;
const READ_MS_MAX = 30_000 + OUTAGE_MS / 4;
/** What counts as live at first is the newest part of the backlog: it goes before. */
const SETTLE_MS = 2_000;
/** Three batches in flight and three before them, at that rate; half as much again, for a busy machine. */
const LIVE_DELAY_MS_MAX = 3_000;

const proxy = await FaultProxy.start({ target: { host: '127.0.0.1', port: 1 } });
const own = await startKafka({ proxyPorts: [proxy.port] });
if ('skipped' in own) {
  await proxy.close();
  test.skip(own.skipped, () => {});
} else {
  const [target] = own.proxied;
  if (target !== undefined) proxy.lead(target);
  afterAll(async () => {
    await own.stop();
    await proxy.close();
  });

  test('live pairs arrive at once while a backlog is made up for beside them', {
    timeout: 240_000 + 3 * OUTAGE_MS,
  }, async () => {
    const kafka = {
      ...DEFAULTS.kafka,
      brokers: [`127.0.0.1:${proxy.port}`],
      createTopics: true,
      pairsTopic: 'catch-up',
      partitions: 3,
      sendTimeoutMs: 5_000,
    };
    const { recorder } = await recorderIn(temporaryFolder(), { kafka });
    const status = () => recorder.status().publisher;
    const entries: PairEntry[] = [];
    let load = 1;
    const feed = setInterval(() => {
      for (let i = 0; i < load * PAIRS_PER_TICK; i += 1) {
        const entry = entryOf(entries.length + 1);
        entries.push(entry);
        recorder.record(entry);
      }
    }, TICK_MS);
    try {
      await until('published', () => (status()?.published ?? 0) > 500, 60_000);
      await proxy.down();
      const [before, downMs] = [entries.length, Date.now()];
      const isOver = () =>
        entries.length - before > OUTAGE_PAIRS && Date.now() - downMs >= OUTAGE_MS;
      await until('an outage', isOver, 120_000 + OUTAGE_MS);
      expect(status()?.state).toBe('failing');
      // Room for the live pairs and as much again: in turn, a live pair would wait for all that is behind.
      proxy.add({ type: 'bandwidth', bytesPerSecond: BYTES_PER_SECOND }, 'upstream');
      await proxy.up();
      await until('connected', () => status()?.state === 'connected', 60_000);
      load = 2;
      // From here on what is recorded is live, and the backlog is behind it.
      const startMs = Date.now();
      const behind = status()?.lag ?? 0;
      expect(behind).toBeGreaterThan(OUTAGE_PAIRS / 2);
      await until('made up for', () => (status()?.lag ?? Number.NaN) < 500, CATCH_UP_MS_MAX);
      const caughtUpMs = Date.now();
      clearInterval(feed);
      await until('all published', () => status()?.lag === 0, 30_000);

      const read = await readWithKafkajs(own.brokers, kafka.pairsTopic, {
        timeoutMs: READ_MS_MAX,
      });
      const sentAt = new Map<string, number>();
      for (const { headers, timestampMs } of read) {
        const id = headers.id ?? '';
        if (!sentAt.has(id)) sentAt.set(id, timestampMs);
      }
      expect(sentAt.size).toBe(entries.length);
      const delays = entries
        .filter(({ timeMs }) => timeMs > startMs + SETTLE_MS && timeMs < caughtUpMs)
        .map(({ id, timeMs }) => (sentAt.get(id) ?? Number.POSITIVE_INFINITY) - timeMs)
        .sort((a, b) => a - b);
      expect(delays.length).toBeGreaterThan(100);
      const p99 = delays[Math.floor(delays.length * 0.99)] ?? 0;
      console.log(
        `catch-up: ${Math.round((startMs - downMs) / 1_000)} s of outage, ${behind} behind, made up for in ${caughtUpMs - startMs} ms beside ` +
          `${delays.length} live pairs, whose p99 to being sent was ${p99} ms`,
      );
      // The test tells something only if there was something to wait for.
      expect(caughtUpMs - startMs).toBeGreaterThan(2 * LIVE_DELAY_MS_MAX);
      expect(p99).toBeLessThan(LIVE_DELAY_MS_MAX);
    } finally {
      clearInterval(feed);
    }
  });
}
