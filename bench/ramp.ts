/**
 * A ramp: all connections at once, a request on each as soon as it is open, then all are closed; again and again
 * for the time given. Latency counts from the attempt to connect to the whole answer.
 *
 *   node bench/ramp.ts PORT CONNECTIONS SECONDS BODY_BYTES
 *
 * Prints a `LoadResult` as JSON.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { summariseLatencies } from './latencies.ts';
import { requestBytes } from './request.ts';

const [port = 0, connections = 0, seconds = 0, bodyBytes = 0] = process.argv.slice(2).map(Number);
/** An answer that takes longer is an error. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Between ramps: the last one's connections are gone by then. */
const PAUSE_MS = 200;

const REQUEST = requestBytes(bodyBytes);

/** @returns milliseconds; `null` without a 200 */
function askOnNewConnection(): Promise<number | null> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    let text = '';
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', (piece: string) => {
      text += piece;
      if (!text.includes('\r\n\r\n') || !text.endsWith('}')) return;
      resolve(text.startsWith('HTTP/1.1 200') ? performance.now() - startMs : null);
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(null));
  });
}

const latenciesMs: number[] = [];
let errors = 0;
const startMs = performance.now();
do {
  const answers = await Promise.all(Array.from({ length: connections }, askOnNewConnection));
  for (const answer of answers) {
    if (answer === null) errors += 1;
    else latenciesMs.push(answer);
  }
  await sleep(PAUSE_MS);
} while (performance.now() - startMs < seconds * 1_000);
const elapsedSeconds = (performance.now() - startMs) / 1_000;
process.stdout.write(JSON.stringify(summariseLatencies(latenciesMs, elapsedSeconds, errors)));
