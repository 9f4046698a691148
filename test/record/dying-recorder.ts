/**
 * A recorder thread that dies at the worst moments: before a batch with a record that says `die-before` is
 * written, or after one that says `die-after` was committed and before anybody was told.
 */
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import type { FromRecorder, ToRecorder } from '../../src/record/recorder-messages.ts';
import { runRecorderThread } from '../../src/record/recorder-thread.ts';

if (parentPort === null) throw new Error('a thread only');
const mirror = parentPort;
const { port1, port2 } = new MessageChannel();
const doomed = new Set<number>();
mirror.on('message', (message: ToRecorder) => {
  if (message.type === 'batch') {
    const says = (text: string) => message.batch.entries.json.some((json) => json.includes(text));
    if (says('die-before')) process.exit(7);
    if (says('die-after')) doomed.add(message.batch.number);
  }
  port1.postMessage(message);
});
port1.on('message', (message: FromRecorder) => {
  if (message.type === 'done' && doomed.has(message.number)) process.exit(8);
  mirror.postMessage(message);
  if (message.type === 'closed') mirror.close();
});
runRecorderThread(port2, workerData);
