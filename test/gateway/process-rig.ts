/** The gateway as its own process, started as the supervisor starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BoundSocket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ListenerConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import type { GatewayStatus } from '../../src/wire/gateway-status.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { gatewayConfig, rawCaller } from './rig.ts';

const ENTRY = join(import.meta.dirname, '../../src/main/gateway.ts');

export interface GatewayProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly wireSocket: string;
  readonly statusSocket: string;
  readonly port: number;
  readonly healthPort: number;
  status(): Promise<GatewayStatus>;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

export interface ProcessOptions {
  /** Arguments of Node before the entry. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly gateway?: Parameters<typeof gatewayConfig>[2];
  /** In place of the plain one. */
  readonly listener?: ListenerConfig;
  /** When it counts as started: it answers its status, or, before that, it accepts a caller. Default `status`. */
  readonly until?: 'status' | 'caller';
}

export async function startGatewayProcess(
  incumbentPort: number,
  options: ProcessOptions = {},
): Promise<GatewayProcess> {
  const folder = tempFolder();
  const host = '127.0.0.1';
  const traffic = new BoundSocket({ host, port: 0 });
  const health = new BoundSocket({ host, port: 0 });
  const config = {
    ...gatewayConfig(folder, incumbentPort, {
      health: { host, port: health.address().port },
      ...options.gateway,
    }),
    ...(options.listener && { listeners: [options.listener] }),
    log: { level: 'warn' },
  };
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), ENTRY], {
    stdio: ['pipe', 'inherit', 'inherit', traffic.fd(), health.fd()],
    env: { ...process.env, ...options.env },
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin?.end(JSON.stringify({ config, name: 'gw0', version: '0.0.0' }));
  const { wireSocket, statusSocket } = runFolder(folder);
  const socket = statusSocket('gw0');
  const port = portOf(traffic);
  if (options.until === 'caller') {
    await until('the gateway accepts', async () => (await rawCaller(port)).socket.destroy());
  } else await until('the gateway serves its status', () => readStatus(socket));
  const healthPort = portOf(health);
  traffic.close();
  health.close();
  return {
    child,
    folder,
    wireSocket,
    statusSocket: socket,
    port,
    healthPort,
    status: () => readStatus<GatewayStatus>(socket),
    ended,
  };
}

function portOf(socket: BoundSocket): number {
  return socket.address().port;
}
