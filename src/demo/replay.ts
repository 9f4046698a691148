/**
 * Replays requests at a fixed rate: an open loop, so that a slow server does not slow down its own test.
 * Ordinary HTTP/1.1 over keep-alive connections, each request sent once, nothing repeated.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { monotonicMs } from '../telemetry/clock.ts';

export interface ReplayOptions {
  /** `http://127.0.0.1:8080/v1/score` */
  readonly url: string;
  /** Requests a second, > 0. */
  readonly ratePerSecond: number;
  /** Given up after this; the row counts as failed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called for each answer, with its body as text, and each failure (status 0). */
  readonly onAnswer: (answer: ReplayAnswer) => void;
}

export interface ReplayAnswer {
  readonly index: number;
  /** HTTP status; 0 = no complete answer. */
  readonly status: number;
  readonly body: string;
  /** Sent → last byte, ms. */
  readonly latencyMs: number;
  /** Why there is no complete answer; empty when there is. */
  readonly failure: string;
}

/** Connections kept; an open loop that needs more has a server that hangs. */
const MAX_CONNECTIONS = 128;
const MAX_ANSWER_CHARACTERS = 64 * 1024;

/**
 * @param bodies - JSON, one request each
 * @returns seconds from the first request sent to the last answer; rejects never
 */
export async function replay(bodies: readonly string[], options: ReplayOptions): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const startMs = monotonicMs();
  const open: Promise<void>[] = [];
  try {
    await pace(bodies.length, options, (index) => {
      open.push(send(bodies[index] ?? '', { index, agent, options }));
    });
    await Promise.all(open);
    return (monotonicMs() - startMs) / 1000;
  } finally {
    agent.destroy();
  }
}

/** Calls `sendRow` for each index at its time; all that are due at a tick go out at once. */
function pace(
  count: number,
  { ratePerSecond, signal }: ReplayOptions,
  sendRow: (index: number) => void,
): Promise<void> {
  const startMs = monotonicMs();
  let next = 0;
  return new Promise((resolve) => {
    const tick = (): void => {
      const due = Math.floor(((monotonicMs() - startMs) * ratePerSecond) / 1000) + 1;
      while (next < Math.min(due, count)) sendRow(next++);
      if (next >= count || signal.aborted) resolve();
      else {
        const dueInMs = startMs + (next * 1000) / ratePerSecond - monotonicMs();
        setTimeout(tick, Math.max(0, dueInMs));
      }
    };
    tick();
  });
}

interface Sending {
  readonly index: number;
  readonly agent: Agent;
  readonly options: ReplayOptions;
}

function send(body: string, { index, agent, options }: Sending): Promise<void> {
  const sentMs = monotonicMs();
  return new Promise((resolve) => {
    const finish = (status: number, text: string, failure: string): void => {
      resolve();
      options.onAnswer({
        index,
        status,
        body: text,
        latencyMs: monotonicMs() - sentMs,
        failure,
      });
    };
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = request(options.url, { method: 'POST', agent, headers, signal });
    let answering = false;
    sent.on('response', (response) => {
      answering = true;
      readText(response).then(
        (text) => finish(response.statusCode ?? 0, text, ''),
        (error: unknown) => finish(0, '', describe(error)),
      );
    });
    // An error after the answer has begun comes from readText as well.
    sent.on('error', (error) => {
      if (!answering) finish(0, '', describe(error));
    });
    sent.end(body);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > MAX_ANSWER_CHARACTERS) throw new Error('answer over its limit');
  }
  return text;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
