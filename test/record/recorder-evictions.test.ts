/** The recorder thread tells of evicted pairs, so that the publisher lets go of them. */
import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { packBatch } from '../../src/record/packed-entries.ts';
import type { FromRecorder } from '../../src/record/recorder-messages.ts';
import { runRecorderThread } from '../../src/record/recorder-thread.ts';
import { until } from '../support/until.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const DAY_MS = 86_400_000;

test('unpublished pairs that leave by their age are told of once, after the commit', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { port1, port2 } = new MessageChannel();
  const said: FromRecorder[] = [];
  port1.on('message', (message: FromRecorder) => said.push(message));
  onTestFinished(() => port1.close());
  runRecorderThread(port2, {
    ...{ dataDir: temporaryFolder(), configured: [], session: 's', unanswered: [] },
    ...{ maxBytes: 2 ** 26, whenFull: 'drop_newest', retentionMs: DAY_MS, maxAgeMs: DAY_MS },
    outbox: true,
  });
  const timeMs = Date.now() - 2 * DAY_MS;
  const batches = [
    [entryOf(1, { timeMs }), entryOf(2, { timeMs }), entryOf(3)],
    [entryOf(4)],
    [entryOf(5)],
  ];
  for (const [i, entries] of batches.entries()) {
    const batch = packBatch({ session: 's', number: i + 1, entries, counts: [], ledgers: [] });
    port1.postMessage({ type: 'batch', batch });
    if (i > 0) continue;
    await until('written', () => said.some(({ type }) => type === 'done'));
    // The next look at ages is a second later.
    vi.setSystemTime(Date.now() + 1_500);
  }
  port1.postMessage({ type: 'close' });
  await until('closed', () => said.some(({ type }) => type === 'closed'));
  const told = said.filter(({ type }) => type === 'done' || type === 'left');
  expect(told.map((each) => (each.type === 'left' ? each.upTo : each.type))).toEqual([
    'done',
    2,
    'done',
    'done',
  ]);
});
