/** The mirror's recorder thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { runRecorderThread } from '../record/recorder-thread.ts';

if (parentPort === null) throw new Error('The recorder is a thread of the mirror.');
runRecorderThread(parentPort, workerData);
