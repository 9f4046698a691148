/** The analysis thread of the admin process. */
import { parentPort, workerData } from 'node:worker_threads';
import { runAnalysisThread } from '../analysis/analysis-thread.ts';

if (parentPort === null) throw new Error('The analysis is a thread of the admin process.');
runAnalysisThread(parentPort, workerData);
