import { expect, it } from 'vitest';
import { RestartingWorker } from '../../src/record/restarting-worker.ts';
import { until } from '../support/until.ts';

/** A thread that counts in shared memory: [has begun, has ended in order, beats]. */
function thread(onMessage: string): {
  worker: RestartingWorker<string, never>;
  counts: Int32Array;
} {
  const counts = new Int32Array(new SharedArrayBuffer(12));
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const counts = workerData.counts;
    process.on('exit', () => { counts[1] = 1; });
    setInterval(() => { counts[2] += 1; }, 1).unref();
    parentPort.on('message', () => { ${onMessage} });
    counts[0] = 1;`;
  const entry = new URL(
    `data:text/javascript,${encodeURIComponent(`import { createRequire } from 'node:module'; const require = createRequire('/');${code}`)}`,
  );
  const worker = new RestartingWorker<string, never>({
    entry,
    data: () => ({ counts }),
    onMessage: () => undefined,
    onDown: () => undefined,
  });
  return { worker, counts };
}

it('lets a thread that was told to stop end by itself', async () => {
  const { worker, counts } = thread('setTimeout(() => parentPort.close(), 50)');
  await until('begun', () => counts[0] === 1);
  worker.post('stop');
  await worker.end();
  expect(counts[1]).toBe(1);
});

it('ends a thread that does not, and begins no other', async () => {
  const { worker, counts } = thread('');
  await until('begun', () => counts[0] === 1);
  worker.post('stop');
  await worker.end();
  await until('still', async () => {
    const before = counts[2];
    await new Promise((resolve) => setTimeout(resolve, 100));
    return counts[2] === before;
  });
  expect(counts[1]).toBe(0);
  expect(worker.isUp).toBe(false);
});
