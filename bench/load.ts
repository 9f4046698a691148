/** The load: as fast as answers come (wrk where there is one, autocannon otherwise), or at a rate of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runPinned } from './pinned.ts';
import { REQUEST_HEADERS, requestBody, SCORE_PATH } from './request.ts';

/** What callers saw. */
export interface LoadResult {
  /** Answered 2xx. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Other answers, and broken or timed-out connections. */
  readonly errors: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Callers speak TLS: wrk alone can. */
  readonly secure: boolean;
}

/** Where a load of our own runs. */
export interface LoadPlace {
  readonly core: number | null;
  /** It goes before everything else on its core. */
  readonly first: boolean;
}

export interface LoadGenerator {
  readonly name: 'wrk' | 'autocannon';
  run(options: LoadOptions): Promise<LoadResult>;
}

/** What is sent, and how. */
export interface RequestShape {
  readonly bodyBytes: number;
  /** Each request on a connection of its own. */
  readonly close: boolean;
}

/** Beyond the measured time: connecting, and the last answers. */
const GRACE_MS = 20_000;

/**
 * @param options.wrk - path of wrk; `null`: autocannon
 * @param options.folder - for wrk's script
 */
export function createLoadGenerator(options: {
  readonly wrk: string | null;
  readonly core: number | null;
  readonly folder: string;
  readonly shape: RequestShape;
}): LoadGenerator {
  const { wrk, core, folder, shape } = options;
  if (wrk === null) return { name: 'autocannon', run: (load) => runAutocannon(load, core, shape) };
  const script = join(folder, 'score.lua');
  writeFileSync(script, wrkScript(shape));
  return {
    name: 'wrk',
    run: async ({ port, connections, seconds, secure }) => {
      const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script];
      const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}${SCORE_PATH}`;
      const timeoutMs = seconds * 1_000 + GRACE_MS;
      return parseWrk(await runPinned({ command: wrk, args: [...args, url], core }, timeoutMs));
    },
  };
}

/** Requests at a rate of their own: see `open-loop.ts`. */
export function runOpenLoop(
  { port, connections, seconds }: LoadOptions,
  place: LoadPlace,
  pace: { readonly rate: number; readonly bodyBytes: number },
): Promise<LoadResult> {
  const args = [port, connections, pace.rate, seconds, pace.bodyBytes];
  return runOwn(new URL('./open-loop.ts', import.meta.url), args, { ...place, seconds });
}

/** Connections all at once: see `ramp.ts`. */
export function runRamp(
  { port, connections, seconds }: LoadOptions,
  place: LoadPlace,
  bodyBytes: number,
): Promise<LoadResult> {
  const args = [port, connections, seconds, bodyBytes];
  return runOwn(new URL('./ramp.ts', import.meta.url), args, { ...place, seconds });
}

async function runOwn(
  program: URL,
  args: readonly number[],
  { core, first, seconds }: LoadPlace & { readonly seconds: number },
): Promise<LoadResult> {
  const all = [fileURLToPath(program), ...args.map(String)];
  const timeoutMs = seconds * 1_000 + GRACE_MS;
  const options = { command: process.execPath, args: all, core, first };
  return JSON.parse(await runPinned(options, timeoutMs));
}

async function runAutocannon(
  { port, connections, seconds, secure }: LoadOptions,
  core: number | null,
  { bodyBytes, close }: RequestShape,
): Promise<LoadResult> {
  if (secure) throw new Error('callers that speak TLS need wrk');
  const program = fileURLToPath(import.meta.resolve('autocannon'));
  const headers = Object.entries(headersOf(close)).flatMap(([name, value]) => [
    '-H',
    `${name}=${value}`,
  ]);
  const args = ['-j', '-c', connections, '-d', seconds, '-m', 'POST', '-b', requestBody(bodyBytes)];
  const url = `http://127.0.0.1:${port}${SCORE_PATH}`;
  const all = [program, ...args, ...headers, url].map(String);
  const timeoutMs = seconds * 1_000 + GRACE_MS;
  return parseAutocannon(
    await runPinned({ command: process.execPath, args: all, core }, timeoutMs),
  );
}

/** @param text - what `wrk --latency` prints; @throws {Error} when it is something else */
export function parseWrk(text: string): LoadResult {
  const total = /(\d+) requests in ([\d.]+(?:us|ms|s|m))/.exec(text);
  const percentile = (percent: number): number =>
    toMs(new RegExp(`^\\s*${percent}%\\s+([\\d.]+(?:us|ms|s|m))\\s*$`, 'm').exec(text)?.[1] ?? '');
  if (total === null) throw new Error(`wrk gave no result: ${text}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
    .exec(text)
    ?.slice(1)
    .reduce((sum, count) => sum + Number(count), 0);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  return {
    requests: Number(total[1]) - refused,
    seconds: toMs(total[2] ?? '') / 1_000,
    p50Ms: percentile(50),
    p99Ms: percentile(99),
    maxMs: toMs(/^ *Latency +\S+ +\S+ +(\S+)/m.exec(text)?.[1] ?? ''),
    errors: refused + (socketErrors ?? 0),
  };
}

interface AutocannonResult {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly duration: number;
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** @param text - what `autocannon -j` prints; its latencies are whole milliseconds */
export function parseAutocannon(text: string): LoadResult {
  const result: AutocannonResult = JSON.parse(text);
  return {
    requests: result['2xx'],
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    maxMs: result.latency.max,
    errors: result.non2xx + result.errors + result.timeouts,
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

function toMs(text: string): number {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
}

function headersOf(close: boolean): Record<string, string> {
  return close ? { ...REQUEST_HEADERS, Connection: 'close' } : { ...REQUEST_HEADERS };
}

function wrkScript({ bodyBytes, close }: RequestShape): string {
  const headers = Object.entries(headersOf(close)).map(
    ([name, value]) => `wrk.headers["${name}"] = "${value}"`,
  );
  const body = `wrk.body = '${requestBody(bodyBytes)}'`;
  return ['wrk.method = "POST"', ...headers, body, ''].join('\n');
}
