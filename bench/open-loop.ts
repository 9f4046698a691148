/**
 * Requests at a rate of their own, whether or not answers come (open loop): a stalled proxy does not slow the
 * load that measures it.
 *
 *   node bench/open-loop.ts PORT CONNECTIONS RATE SECONDS BODY_BYTES
 *
 * Each millisecond has its share of the rate, kept exact by a carried fraction. A request without a free
 * connection waits, and its latency counts from the millisecond it was due. Prints a `LoadResult` as JSON.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { summariseLatencies } from './latencies.ts';
import { requestBytes } from './request.ts';

const [port = 0, connections = 0, rate = 0, seconds = 0, bodyBytes = 0] = process.argv
  .slice(2)
  .map(Number);
/** What is still owed at the end is waited for so long. */
const LAST_ANSWERS_MS = 5_000;
const HEAD_END = '\r\n\r\n';

const REQUEST = requestBytes(bodyBytes);
const free: Line[] = [];
/** Due times of requests without a connection, oldest first. */
const waiting: number[] = [];
const latenciesMs: number[] = [];
let errors = 0;
let open = 0;

/** A keep-alive connection with one request under way at most. */
class Line {
  readonly #socket: Socket;
  #dueMs = 0;
  #text = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open -= 1;
      if (this.#dueMs > 0) errors += 1;
      const at = free.indexOf(this);
      if (at >= 0) free.splice(at, 1);
    });
  }

  ask(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#text = '';
    this.#socket.write(REQUEST);
  }

  end(): void {
    this.#dueMs = 0;
    this.#socket.destroy();
  }

  get isBusy(): boolean {
    return this.#dueMs > 0;
  }

  #read(text: string): void {
    this.#text += text;
    const headEnd = this.#text.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text)?.[1] ?? '0';
    if (this.#text.length < headEnd + HEAD_END.length + Number(length)) return;
    if (this.#text.startsWith('HTTP/1.1 200')) latenciesMs.push(performance.now() - this.#dueMs);
    else errors += 1;
    this.#dueMs = 0;
    const next = waiting.shift();
    if (next === undefined) free.push(this);
    else this.ask(next);
  }
}

function openLine(): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      open += 1;
      resolve(new Line(socket));
    });
  });
}

const lines = await Promise.all(Array.from({ length: connections }, openLine));
free.push(...lines);
const startMs = performance.now();
let sentUntilMs = 0;
let owed = 0;
while (sentUntilMs < seconds * 1_000) {
  const now = performance.now() - startMs;
  for (; sentUntilMs < now && sentUntilMs < seconds * 1_000; sentUntilMs += 1) {
    owed += rate / 1_000;
    for (; owed >= 1; owed -= 1) {
      const line = free.pop();
      const dueMs = startMs + sentUntilMs;
      if (line === undefined) waiting.push(dueMs);
      else line.ask(dueMs);
    }
  }
  await sleep(1);
}
const deadlineMs = performance.now() + LAST_ANSWERS_MS;
while (lines.some((line) => line.isBusy) && open > 0 && performance.now() < deadlineMs)
  await sleep(5);
errors += waiting.length + lines.filter((line) => line.isBusy).length;
for (const line of lines) line.end();

process.stdout.write(JSON.stringify(summariseLatencies(latenciesMs, seconds, errors)));
