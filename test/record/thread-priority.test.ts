import { once } from 'node:events';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

test.runIf(process.platform === 'linux')(
  'a thread gives way; the main thread stays as it is',
  async () => {
    const before = getPriority();
    const module = new URL('../../src/record/thread-priority.ts', import.meta.url).href;
    const code = `
      import { parentPort } from 'node:worker_threads';
      import { yieldThread } from '${module}';
      parentPort.postMessage([yieldThread(0), yieldThread(3), yieldThread(19)]);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const [nice] = await once(worker, 'message');
    await worker.terminate();
    expect(nice).toEqual([before, Math.min(19, before + 3), 19]);
    expect(getPriority()).toBe(before);
  },
);
