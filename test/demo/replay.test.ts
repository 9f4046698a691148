import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type ReplayAnswer, type ReplayOptions, replay } from '../../src/demo/replay.ts';

async function serve(
  listener: RequestListener,
): Promise<{ url: string; connections: () => number }> {
  const server = createServer(listener);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1/score`, connections: () => connections };
}

async function run(
  bodies: readonly string[],
  options: Pick<ReplayOptions, 'url'> & Partial<ReplayOptions>,
): Promise<ReplayAnswer[]> {
  const answers: ReplayAnswer[] = [];
  await replay(bodies, {
    ratePerSecond: 2_000,
    timeoutMs: 2_000,
    signal: new AbortController().signal,
    onAnswer: (answer) => answers.push(answer),
    ...options,
  });
  return answers;
}

const BODIES = Array.from({ length: 200 }, (_, i) => JSON.stringify({ i }));

test('sends each body once, as it is, over few connections', async () => {
  const seen: string[] = [];
  const { url, connections } = await serve((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(body);
      response.end(body);
    });
  });
  const answers = await run(BODIES, { url, ratePerSecond: 300 });
  expect(seen.toSorted()).toEqual(BODIES.toSorted());
  expect(answers.every(({ index, body, status }) => status === 200 && body === BODIES[index])).toBe(
    true,
  );
  expect(connections()).toBeLessThan(BODIES.length / 2);
});

test('goes on at its rate while answers are owed: an open loop', async () => {
  let open = 0;
  let most = 0;
  const held: (() => void)[] = [];
  const { url } = await serve((request, response) => {
    request.resume();
    open += 1;
    most = Math.max(most, open);
    held.push(() => response.end('{}'));
    // All are answered once the last has come: a client that waits for answers would never send it.
    if (held.length === 50) for (const answer of held) answer();
  });
  const answers = await run(BODIES.slice(0, 50), { url });
  expect(most).toBe(50);
  expect(answers.every(({ status }) => status === 200)).toBe(true);
});

test('keeps its rate', async () => {
  const { url } = await serve((request, response) => {
    request.resume();
    response.end('{}');
  });
  const options = {
    url,
    ratePerSecond: 400,
    timeoutMs: 2_000,
    signal: new AbortController().signal,
    onAnswer: () => {},
  };
  // 199 intervals of 2.5 ms; never earlier than that.
  expect(await replay(BODIES, options)).toBeGreaterThanOrEqual(0.497);
});

test('a refused, a cut and a hanging answer are failures with a reason, and nothing is repeated', async () => {
  let requests = 0;
  const { url } = await serve((request, response) => {
    requests += 1;
    request.resume();
    if (requests === 1) response.destroy();
    if (requests === 2) {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{');
      setImmediate(() => response.destroy());
    }
  });
  const answers = await run(BODIES.slice(0, 3), { url, timeoutMs: 300, ratePerSecond: 20 });
  expect(requests).toBe(3);
  expect(answers.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(answers.every(({ failure }) => failure !== '')).toBe(true);
});

test('an abort ends it at once', async () => {
  const abort = new AbortController();
  const { url } = await serve((request) => {
    request.resume();
    abort.abort();
  });
  const answers = await run(BODIES, { url, ratePerSecond: 10, signal: abort.signal });
  expect(answers.length).toBeLessThan(BODIES.length);
});
