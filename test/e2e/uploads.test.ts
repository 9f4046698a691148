/** A thousand uploads of a mebibyte at once, and a candidate that hangs: what is kept stays under its caps. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { BEHAVIOURS, TestCandidate } from './candidate.ts';
import { exchangesOf, Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

vi.setConfig({ testTimeout: 180_000 });

const UPLOADS = 1_000;
const MiB = 1024 * 1024;
const CAPS = { maxHeldBytes: 64 * MiB, maxWireBytes: 16 * MiB };
// Head and body together are within gateway.maxRequestBytes.
const BODY = Buffer.alloc(MiB - 1024, 'x');
const HALF = BODY.length / 2;
const HEAD = `POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers when all of a request has come, and keeps nothing of it. */
async function counting(): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => {
    let bytes = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes === HEAD.length + BODY.length) socket.write(OK);
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

/**
 * @param looked - the second half of the body waits for it
 * @returns what the caller received
 */
function upload(port: number, looked: Promise<unknown>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.write(HEAD);
      socket.write(BODY.subarray(0, HALF));
      looked.then(() => socket.write(BODY.subarray(HALF)), reject);
    });
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
      if (received.length >= OK.length) socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
  });
}

test(`${UPLOADS} uploads at once are answered; copies stay under their caps, and the rest is counted`, async () => {
  const candidate = closeWithTest(await TestCandidate.start());
  candidate.behaviour = BEHAVIOURS.hangs;
  const instance = await Instance.start({
    incumbent: await counting(),
    candidates: [candidate.section()],
    sections: {
      gateway: { ...CAPS, heartbeatTimeoutMs: 120_000 },
      mirror: { maxQueuedBytes: 8 * MiB, maxQueueAgeMs: 5_000 },
    },
  });
  let [held, queued, rssKiB] = [0, 0, 0];
  const { pid } = await instance.gateway();
  const watch = setInterval(() => {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    rssKiB = Math.max(rssKiB, Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]));
    void instance
      .gateway()
      .then(({ heldBytes, wire }) => {
        held = Math.max(held, heldBytes);
        queued = Math.max(queued, wire.queuedBytes);
      })
      .catch(() => undefined);
  }, 50);
  onTestFinished(() => clearInterval(watch));
  // All are half way, so that what is kept is seen for certain, and not only where a look fits in between.
  const looked = until('kept', () => held > 0, 60_000);
  const answers = await Promise.all(
    Array.from({ length: UPLOADS }, () => upload(instance.port, looked)),
  );
  clearInterval(watch);
  expect(answers.filter((answer) => answer !== OK)).toEqual([]);
  expect(held).toBeLessThanOrEqual(CAPS.maxHeldBytes);
  expect(queued).toBeLessThanOrEqual(CAPS.maxWireBytes);
  const waterfall = await expectBooksToBalance(instance.run.path, { timeoutMs: 60_000 });
  const counts = exchangesOf(waterfall);
  const { offered = 0, 'shed(gateway_memory)': memory = 0, 'shed(wire_full)': wire = 0 } = counts;
  expect(offered + memory + wire).toBe(UPLOADS);
  console.info(
    `held at most ${Math.round(held / MiB)} MiB, on the wire ${Math.round(queued / MiB)} MiB, gateway ` +
      `${Math.round(rssKiB / 1024)} MiB resident; ${JSON.stringify(counts)}`,
  );
  // Copies under way between sockets, two a caller, come on top: they are the kernel's pace, not kept.
  expect(rssKiB / 1024).toBeLessThan(600);
});
