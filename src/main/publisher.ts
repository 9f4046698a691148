/** The mirror's publisher thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { runPublisherThread } from '../record/publisher/publisher-thread.ts';

if (parentPort === null) throw new Error('The publisher is a thread of the mirror.');
await runPublisherThread(parentPort, workerData);
