import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { checkConfig } from '../../src/main/check.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { serveStatus } from '../../src/telemetry/status-socket.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { closeWithTest } from '../e2e/server.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MODEL = 'models/lending-club/candidate.onnx';

interface Parts {
  readonly listen?: string;
  readonly incumbent?: string;
  readonly candidate?: string;
  readonly dataDir?: string;
  readonly extra?: string;
}

/** A configuration in which all works, but for what the test changes. */
async function scene() {
  const folder = tempFolder();
  const server = closeWithTest(await Incumbent.start());
  const check = async (parts: Parts = {}, role: 'all' | 'gateway' | 'backstage' = 'all') => {
    const text = `runDir: run
dataDir: ${parts.dataDir ?? 'data'}
listeners: [{ listen: '${parts.listen ?? `127.0.0.1:${await freePort()}`}', incumbent: '${parts.incumbent ?? server.address}' }]
routes: [{ name: score, path: /score }]
candidates:
  - { name: next, ${parts.candidate ?? `url: 'http://${server.address}'`} }
admin: { listen: 127.0.0.1:0 }
metrics: { listen: 127.0.0.1:0 }
${parts.extra ?? ''}
`;
    const { findings } = await checkConfig(
      parseConfig(Buffer.from(text), join(folder, 'u.yaml')),
      role,
    );
    return findings.map(({ code, message }) => `${code}: ${message}`);
  };
  return { folder, server, check };
}

const onnx = (model: string, inputs = '{ name: a, pointer: /a, type: float32 }') =>
  `kind: onnx, model: ${model}, output: probabilities, inputs: [${inputs}]`;

describe('check beside a running instance', () => {
  it('tries all ports but those that the instance holds itself', async () => {
    const { check, folder } = await scene();
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const run = runFolder(join(folder, 'run'));
    mkdirSync(run.path);
    const listeners = [{ name: 'l', host: '127.0.0.1', port }];
    const server = await serveStatus(run.statusSocket('supervisor-all'), {
      status: () => ({ name: 'supervisor-all', pid: 7, listeners }),
    });
    onTestFinished(() => server.close());
    // Its own, and one that another program has.
    expect(await check({ listen: `127.0.0.1:${port}` })).toEqual([]);
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const theirs = (other.address() as AddressInfo).port;
    const found = await check({ listen: `127.0.0.1:${theirs}` });
    expect(found.map((text) => text.slice(0, 17))).toEqual(['UND_LISTEN_FAILED']);
    expect(found[0]).toContain(String(theirs));
  });
});

describe('check of Unix sockets', () => {
  it('finds nothing where they can be made and connected to, and leaves no file', async () => {
    const { check, folder } = await scene();
    const path = join(folder, 'incumbent.sock');
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(await check({ listen: 'unix:callers.sock', incumbent: `unix:${path}` })).toEqual([]);
    expect(existsSync(join(folder, 'callers.sock'))).toBe(false);
    const taken = `UND_LISTEN_FAILED: Another process listens on unix:${path}.`;
    expect(await check({ listen: `unix:${path}` })).toEqual([taken]);
  });

  it('finds a folder that is missing, a file in the way, an incumbent that is not there', async () => {
    const { check, folder } = await scene();
    writeFileSync(join(folder, 'file'), '');
    expect((await check({ listen: 'unix:nowhere/x.sock' }))[0]).toMatch(
      /^UND_LISTEN_FAILED: .*ENOENT/,
    );
    expect((await check({ listen: 'unix:file' }))[0]).toMatch(/^UND_LISTEN_FAILED: .* no socket/);
    expect((await check({ incumbent: 'unix:gone.sock' }))[0]).toMatch(
      /^UND_INCUMBENT_REFUSED: .*gone.sock of listener main refuses/,
    );
  });
});

describe('check finds', () => {
  it('nothing where all works', async () => {
    const { check } = await scene();
    expect(await check()).toEqual([]);
  });

  it('a listening address that is taken, or is not of this machine', async () => {
    const { check, server } = await scene();
    const taken = `127.0.0.1:${server.port}`;
    expect(await check({ listen: taken })).toEqual([
      `UND_LISTEN_FAILED: Cannot listen on ${taken}: another process uses this address.`,
    ]);
    expect(await check({ listen: '192.0.2.1:8080' })).toEqual([
      'UND_LISTEN_FAILED: Cannot listen on 192.0.2.1:8080: this machine has no such address.',
    ]);
    expect(await check({ listen: taken }, 'backstage')).toEqual([]);
  });

  it('an incumbent that does not resolve, or refuses', async () => {
    const { check } = await scene();
    expect(await check({ incumbent: 'no-such-host.invalid:80' })).toEqual([
      expect.stringMatching(/^UND_INCUMBENT_UNRESOLVED: .*no-such-host\.invalid:80/),
    ]);
    expect(await check({ incumbent: '127.0.0.1:1' })).toEqual([
      expect.stringMatching(/^UND_INCUMBENT_REFUSED: .*ECONNREFUSED/),
    ]);
  });

  it('a candidate that cannot be reached, and a header file that is not there', async () => {
    const { check, server, folder } = await scene();
    expect(await check({ candidate: 'url: http://no-such-host.invalid' })).toEqual([
      expect.stringMatching(/^UND_CANDIDATE_UNREACHABLE: .*unresolved/),
    ]);
    const header = 'headers: [{ name: Authorization, file: token }]';
    expect(await check({ candidate: `url: 'http://${server.address}', ${header}` })).toEqual([
      `UND_HEADER_FILE: The file ${join(folder, 'token')} cannot be read: ENOENT.`,
    ]);
  });

  it('a candidate that speaks no TLS, or whose TLS files are not there', async () => {
    const { check, server } = await scene();
    const url = `url: 'https://${server.address}'`;
    expect(await check({ candidate: url })).toEqual([
      expect.stringMatching(/^UND_CANDIDATE_UNREACHABLE: .* is not spoken to in TLS \(/),
    ]);
    expect(await check({ candidate: `${url}, tls: { caFile: none.pem }` })).toEqual([
      expect.stringMatching(/^UND_CANDIDATE_UNREACHABLE: .*UND_TLS_FILE, .*none\.pem/),
    ]);
  });

  it('a candidate at an address where no copy goes, unless it is listed', async () => {
    const { check } = await scene();
    expect(await check({ candidate: 'url: http://169.254.169.254/x' })).toEqual([
      expect.stringMatching(/^UND_CANDIDATE_ADDRESS: The candidate next: 169\.254\.169\.254 is/),
    ]);
    const listed = "url: 'http://[fe80::1]:1', allowAddresses: ['fe80::/64']";
    expect(await check({ candidate: listed })).toEqual([
      expect.stringMatching(/^UND_CANDIDATE_UNREACHABLE/),
    ]);
  });

  it('a model that is missing, is none, or has other inputs', async () => {
    const { check, folder } = await scene();
    expect(await check({ candidate: onnx('none.onnx') })).toEqual([
      expect.stringMatching(/^UND_MODEL_MISSING: The candidate next: .*none\.onnx/),
    ]);
    writeFileSync(join(folder, 'junk.onnx'), 'junk');
    expect(await check({ candidate: onnx('junk.onnx') })).toEqual([
      expect.stringMatching(/^UND_MODEL_INVALID: /),
    ]);
    copyFileSync(MODEL, join(folder, 'm.onnx'));
    expect(await check({ candidate: onnx('m.onnx') })).toEqual([
      expect.stringMatching(/^UND_MODEL_INPUTS: .*not configured/),
    ]);
  });

  it('no Kafka broker', async () => {
    const { check } = await scene();
    expect(await check({ extra: 'kafka: { brokers: [127.0.0.1:1, 127.0.0.1:2] }' })).toEqual([
      'UND_KAFKA_UNREACHABLE: No Kafka broker can be reached: 127.0.0.1:1 ECONNREFUSED, 127.0.0.1:2 ECONNREFUSED.',
    ]);
  });

  it('a data folder that is a file, and makes none of the folders', async () => {
    const { check, folder } = await scene();
    writeFileSync(join(folder, 'data'), '');
    expect(await check()).toEqual([`UND_DATA_FOLDER: ${join(folder, 'data')} is not a folder.`]);
  });

  it('a data folder below a file', async () => {
    const { check, folder } = await scene();
    writeFileSync(join(folder, 'data'), '');
    const [finding] = await check({ dataDir: 'data/below' });
    expect(finding).toMatch(/^UND_DATA_FOLDER: .*ENOTDIR/);
  });
});
