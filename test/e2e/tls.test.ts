/**
 * A whole instance with TLS on both sides: a listener on a Unix socket whose incumbent is another listener of
 * the same instance, which speaks TLS and asks for a certificate. So each call passes the gateways twice.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { answerOf, drawNumber, requestOf } from './exchanges.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

const authority = new Authority();

async function setScene() {
  const folder = tempFolder();
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const port = await freePort();
  const server = authority.issue({ commonName: 'server', names: ['localhost'] });
  const client = authority.issue({ commonName: 'client' });
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.cert);
  const files = writeCertificate(folder, 'server', server);
  const path = join(folder, 'callers.sock');
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: {
      listeners: [
        {
          name: 'secure',
          listen: `localhost:${port}`,
          incumbent: incumbent.address,
          tls: { ...files, clientCertificates: 'required', clientCaFile: caFile },
          proxyProtocol: 'required',
        },
        {
          name: 'local',
          listen: `unix:${path}`,
          incumbent: `https://localhost:${port}`,
          upstream: { caFile, proxyProtocol: 'v2', ...writeCertificate(folder, 'client', client) },
        },
      ],
    },
  });
  return { instance, incumbent, path, files };
}

/** Calls on one connection; throws unless each answer is the incumbent's, byte for byte. */
async function callThrough(path: string, count: number): Promise<number[]> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
  });
  const numbers: number[] = [];
  let expected = Buffer.alloc(0);
  for (let i = 0; i < count; i++) {
    const number = drawNumber();
    numbers.push(number);
    socket.write(requestOf(number));
    expected = Buffer.concat([expected, answerOf(number)]);
    await until(`answer ${number}`, () => received.length >= expected.length);
  }
  expect(received.equals(expected)).toBe(true);
  socket.end();
  return numbers;
}

test('bytes pass unchanged through both, and a certificate that is spoilt changes nothing', async () => {
  const { instance, incumbent, path, files } = await setScene();
  const numbers = await callThrough(path, 12);
  for (const number of numbers) {
    expect(incumbent.received.get(number)?.equals(requestOf(number)), `${number}`).toBe(true);
  }
  const status = await instance.gateway();
  expect(status.tls).toMatchObject([{ listener: 'secure', handshakes: { ok: 1 } }]);
  expect(status.proxy).toEqual([{ listener: 'secure', headers: { ok: 1 } }]);
  expect(status.incumbents.map(({ incumbent: name }) => name)).toEqual([
    incumbent.address,
    expect.stringContaining('localhost:'),
  ]);

  writeFileSync(files.keyFile, authority.issue({ commonName: 'other' }).key);
  const refused = await instance.cli('reload');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('UND_TLS_FILE');
  await until('the gateway has seen it', async () => {
    return (await instance.gateway()).tls[0]?.certificates[0]?.fault !== '';
  });
  await callThrough(path, 4);
  const metrics = await (await fetch((await instance.admin()).metricsUrl)).text();
  expect(metrics).toMatch(/understudy_tls_certificate_fault\{.*listener="secure".*\} 1/);
  expect(metrics).toMatch(/understudy_tls_handshakes_total\{.*outcome="ok".*\} 2/);

  const waterfall = await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
  expect(exchangesOf(waterfall)).toEqual({ offered: 32 });
  expect(incumbent.repeated).toEqual([]);
});
