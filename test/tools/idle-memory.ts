/**
 * Memory of idle keep-alive connections: `node test/tools/idle-memory.ts [connections]`, default 4,000. Each has
 * had one exchange. The same is done with a program of bare Node sockets, two a caller as the gateway has them:
 * what is Node's, and what is ours. Resident memory, between a tenth of the connections and all of them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { BoundSocket, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config/load.ts';

const COUNT = Number(process.argv[2] ?? 4_000);
const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const ROOT = join(import.meta.dirname, '../..');

/** Two sockets a caller and nothing else: read as the gateway reads. */
const BARE = `
import { connect, createServer } from 'node:net';
import { adoptSocket } from '${ROOT}/src/gateway/shared-read.ts';
const buffer = Buffer.alloc(65536);
createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (accepted) => {
  const callback = (n) => caller.write(Buffer.from(buffer.subarray(0, n)));
  const port = Number(process.env.INCUMBENT);
  const up = connect({ port, host: '127.0.0.1', allowHalfOpen: true, onread: { buffer, callback } });
  const caller = adoptSocket(accepted, (bytes) => up.write(bytes));
  caller.on('error', () => {});
  up.on('error', () => {});
}).listen({ fd: 3 });
`;

function rssKiB(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

async function measure(name: string, child: ChildProcess, port: number): Promise<number> {
  const sockets: Socket[] = [];
  const open = async (total: number): Promise<void> => {
    while (sockets.length < total) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
      socket.write(GET);
      await once(socket, 'data');
    }
    await sleep(3_000);
  };
  await open(COUNT / 10);
  const few = rssKiB(child);
  await open(COUNT);
  const many = rssKiB(child);
  const each = (many - few) / (COUNT - COUNT / 10);
  console.info(
    `${name}: ${few} KiB at ${COUNT / 10}, ${many} KiB at ${COUNT}: ${each.toFixed(1)} KiB each`,
  );
  for (const socket of sockets) socket.destroy();
  child.kill('SIGKILL');
  return each;
}

async function main(): Promise<void> {
  const incumbent = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(OK));
  });
  incumbent.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(incumbent, 'listening');
  const address = incumbent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const start = (args: string[], input: string): { child: ChildProcess; port: number } => {
    const socket = new BoundSocket({ host: '127.0.0.1', port: 0 });
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'inherit', 'inherit', socket.fd()],
      env: { ...process.env, INCUMBENT: String(port) },
    });
    child.stdin?.end(input);
    return { child, port: socket.address().port };
  };
  const bare = start(['--input-type=module', '-e', BARE], '');
  await sleep(2_000);
  const node = await measure('bare Node sockets', bare.child, bare.port);
  const folder = mkdtempSync(join(tmpdir(), 'us-'));
  const text = `runDir: run
listeners: [{ listen: '127.0.0.1:0', incumbent: '127.0.0.1:${port}' }]
routes: [{ name: all, path: '/*', methods: [GET] }]
candidates: [{ name: next, url: 'http://127.0.0.1:1' }]
log: { level: error }`;
  const config = parseConfig(Buffer.from(text), join(folder, 'u.yaml'));
  mkdirSync(config.runDir, { mode: 0o700 });
  const input = JSON.stringify({ config, name: 'gw0', version: '0.0.0' });
  const gateway = start([join(ROOT, 'src/main/gateway.ts')], input);
  await sleep(2_000);
  const all = await measure('gateway', gateway.child, gateway.port);
  console.info(`ours: ${(all - node).toFixed(1)} KiB a connection`);
  incumbent.close();
  process.exit(0);
}

await main();
