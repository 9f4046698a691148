import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AdminStatus } from '../../src/admin/admin-status.ts';
import type { Config } from '../../src/config/types.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import { type RunFolder, runFolder } from '../../src/telemetry/run-folder.ts';
import { SettingsReader } from '../../src/telemetry/settings-reader.ts';
import { readStatus, sendCommand, serveStatus } from '../../src/telemetry/status-socket.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { configIn } from './config.ts';
import { parseExposition } from './exposition.ts';
import { gatewayStatus, mirrorStatus } from './statuses.ts';

const ENTRY = join(import.meta.dirname, '../../src/main/admin.ts');

interface Admin {
  readonly child: ChildProcess;
  readonly lines: string[];
  status(): Promise<AdminStatus>;
}

function prepare(): { config: Config; folder: RunFolder } {
  const config = configIn(tempFolder());
  mkdirSync(config.runDir, { recursive: true, mode: 0o700 });
  return { config, folder: runFolder(config.runDir) };
}

function startAdmin(config: Config): Admin {
  const child = spawn(process.execPath, [ENTRY], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const lines: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  child.stdin?.end(JSON.stringify({ config, name: 'admin', version: '0.1.0' }));
  const socket = runFolder(config.runDir).statusSocket('admin');
  return { child, lines, status: () => readStatus<AdminStatus>(socket) };
}

/** Until API and metrics are there. */
function untilServing(admin: Admin): Promise<AdminStatus> {
  return until('API and metrics', async () => {
    const status = await admin.status();
    return status.url !== '' && status.metricsUrl !== '' && status;
  });
}

async function patch(status: AdminStatus, body: object): Promise<Response> {
  const token = readFileSync(status.tokenFile, 'utf8').trim();
  return fetch(`${status.url}/v1/settings`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'if-match': '*',
    },
    body: JSON.stringify(body),
  });
}

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

describe('the admin process', () => {
  it('makes a token of mode 0600 at its first start, and keeps it', async () => {
    const { config } = prepare();
    const first = await untilServing(startAdmin(config));
    expect(first).toMatchObject({ process: 'admin', name: 'admin', dataDir: config.dataDir });
    expect(first.tokenFile).toBe(join(config.dataDir, 'admin.token'));
    expect(statSync(first.tokenFile).mode & 0o777).toBe(0o600);
    const token = readFileSync(first.tokenFile, 'utf8');
    expect(token).toMatch(/^[0-9a-f]{64}\n$/);
    process.kill(first.pid, 'SIGKILL');
    const second = startAdmin(config);
    await until('the successor', async () => (await second.status()).pid !== first.pid);
    await untilServing(second);
    expect(readFileSync(first.tokenFile, 'utf8')).toBe(token);
  });

  it('I9: has a change in force within a second, and after a SIGKILL', async () => {
    const { config, folder } = prepare();
    const admin = startAdmin(config);
    const status = await untilServing(admin);
    const reader = new SettingsReader(folder, config);
    reader.start();
    onTestFinished(() => reader.stop());
    const change = { enabled: false, rates: { v7: 0.5 }, reason: 'kept' };
    expect((await patch(status, change)).status).toBe(200);
    await until('in force', () => reader.settings.version === 1, 1_000);
    expect([reader.paused, reader.rateOf('v7')]).toEqual(['operator', 0.5]);
    admin.child.kill('SIGKILL');
    await once(admin.child, 'exit');
    rmSync(folder.settings); // a run folder on a file system that is gone
    const successor = startAdmin(config);
    const after = await untilServing(successor);
    expect(after.settingsVersion).toBe(1);
    await until('published again', () => existsSync(folder.settings), 2_000);
    expect(
      (await (await patch(after, { enabled: true, reason: 'on' })).json()) as object,
    ).toMatchObject({ version: 2, enabled: true, rates: { v7: 0.5 } });
  });

  it('mends settings.json in the run folder while it runs', async () => {
    const { config, folder } = prepare();
    const status = await untilServing(startAdmin(config));
    await patch(status, { enabled: false, reason: 'off' });
    writeFileSync(folder.settings, '{');
    await until('mended', () => readFileSync(folder.settings, 'utf8').includes('"off"'), 5_000);
  });

  it('serves metrics on a listener of their own, without a token, and nothing else', async () => {
    const { config, folder } = prepare();
    const exchanges = new ExchangeLedger(48);
    const servers = await Promise.all([
      serveStatus(folder.statusSocket('gw0'), { status: () => gatewayStatus('e1', exchanges) }),
      serveStatus(folder.statusSocket('mirror'), {
        status: () => mirrorStatus(new LegLedger(), []),
      }),
    ]);
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.close()));
    });
    const status = await untilServing(startAdmin(config));
    const answer = await fetch(status.metricsUrl);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const up = parseExposition(await answer.text()).get('understudy_process_up')?.samples;
    expect(Object.fromEntries(up ?? [])).toEqual({
      'understudy_process_up{process="gw0"}': 1,
      'understudy_process_up{process="mirror"}': 1,
      'understudy_process_up{process="admin"}': 1,
    });
    const base = new URL(status.metricsUrl).origin;
    expect((await fetch(`${base}/v1/settings`)).status).toBe(404);
    expect((await fetch(status.metricsUrl, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${base}/livez`)).status).toBe(200);
  });

  it('runs degraded while its port is taken, says so once, and heals by itself', async () => {
    const { config } = prepare();
    const { server, port } = await occupy();
    onTestFinished(() => void server.close());
    const address = { host: '127.0.0.1', port };
    const admin = startAdmin({ ...config, admin: { ...config.admin, address } });
    const degraded = await until('degraded', async () => {
      const status = await admin.status();
      return status.error === 'UND_LISTEN_FAILED' && status.metricsUrl !== '' && status;
    });
    expect(degraded.url).toBe('');
    await new Promise((resolve) => server.close(resolve));
    expect((await untilServing(admin)).error).toBe('');
    const failures = admin.lines.join('').match(/api is not there/g);
    expect(failures).toHaveLength(1);
  });

  it('runs degraded while its data folder cannot be used, and heals by itself', async () => {
    const { config } = prepare();
    writeFileSync(config.dataDir, 'a file in its place');
    const admin = startAdmin(config);
    await until('degraded', async () => {
      const status = await admin.status();
      return status.error !== '' && status.metricsUrl !== '';
    });
    rmSync(config.dataDir);
    expect((await untilServing(admin)).error).toBe('');
  });

  it.each(['SIGTERM', 'stop'])('ends in order on %s, with code 0', async (how) => {
    const { config, folder } = prepare();
    const { child, status } = startAdmin(config);
    await until('a status', status);
    if (how === 'stop') await sendCommand(folder.statusSocket('admin'), 'stop');
    else child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
