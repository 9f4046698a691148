/** Proxies that people use today: HAProxy as a TCP relay, the mirrors of nginx and of Envoy, TLS, http-proxy. */
import { join } from 'node:path';
import { freePorts, untilAnswers } from './peers.ts';
import { findProgram, PinnedProcess } from './pinned.ts';
import { envoyMirror, haproxy, httpProxy, nginxMirror, nginxTls } from './rival-configs.ts';
import type { RunningTarget, TargetContext } from './targets.ts';

interface Rival {
  readonly program: string;
  /** Writes its configuration. @returns arguments of the program */
  configure(context: TargetContext, port: number): readonly string[];
  /** It speaks TLS with callers. */
  readonly secure: boolean;
}

export const RIVALS = {
  'http-proxy': { program: process.execPath, configure: httpProxy, secure: false },
  haproxy: { program: 'haproxy', configure: haproxy(false), secure: false },
  'haproxy-tls': { program: 'haproxy', configure: haproxy(true), secure: true },
  nginx: { program: 'nginx', configure: nginxMirror, secure: false },
  'nginx-tls': { program: 'nginx', configure: nginxTls, secure: true },
  envoy: { program: 'envoy', configure: envoyMirror, secure: false },
} as const satisfies Record<string, Rival>;
export type RivalName = keyof typeof RIVALS;

export function isInstalled(name: RivalName): boolean {
  return findProgram(RIVALS[name].program) !== null;
}

/** @throws {Error} when it is not installed, or does not answer */
export async function startRival(name: RivalName, context: TargetContext): Promise<RunningTarget> {
  const rival: Rival = RIVALS[name];
  const command = findProgram(rival.program);
  if (command === null) throw new Error(`${rival.program} is not installed`);
  const [port = 0] = await freePorts(1);
  const child = new PinnedProcess({
    command,
    args: rival.configure(context, port),
    core: context.proxyCore,
    logFile: join(context.folder, `${name}.log`),
  });
  try {
    await untilAnswers(port, () => child.ended, rival.secure);
  } catch (cause) {
    await child.stop();
    throw new Error(`${name} does not answer: ${child.lastWords()}`, { cause });
  }
  return {
    port,
    processes: [{ name, pid: child.pid, isGateway: true }],
    counts: async () => null,
    settle: async () => '',
    stop: async () => {
      await child.stop();
    },
  };
}
