/**
 * The listening sockets of the gateways, bound and held by the supervisor, which never accepts. They
 * outlive a killed gateway: what connects meanwhile waits in the kernel's queue for the next one.
 */

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { BoundSocket, connect, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../config/address.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Endpoint, GatewayConfig, ListenerConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';

declare module 'node:net' {
  /** Node 24.21 binds Unix sockets, too; its types do not say so yet. */
  interface BoundSocketOptions {
    path?: string;
  }
}

/** One bound socket; `address` has the port that was picked where 0 was asked for. */
export interface ListeningSocket {
  /** Name of the listener, or `health`. */
  readonly name: string;
  /** As configured; by it a reload knows the socket again. */
  readonly wanted: Endpoint;
  readonly address: Endpoint;
  readonly fd: number;
  /** It came from a service manager, which holds it, too. */
  readonly isInherited?: boolean;
  close(): void;
}

/**
 * Binds all listeners, then health where it is configured: the order of the descriptors of a gateway.
 *
 * @param options.patienceMs - how long an address may stay taken: a predecessor is giving it up
 * @param options.held - sockets that are there already: those with a wanted address are kept
 * @throws {UnderstudyError} `UND_LISTEN_FAILED`; what was bound here is released
 */
export async function bindListeners(
  config: {
    readonly listeners: readonly Pick<ListenerConfig, 'name' | 'address'>[];
    readonly gateway: Pick<GatewayConfig, 'health'>;
  },
  options: { readonly patienceMs: number; readonly held?: readonly ListeningSocket[] },
): Promise<ListeningSocket[]> {
  const wanted: Pick<ListenerConfig, 'name' | 'address'>[] = config.listeners.map(
    ({ name, address }) => ({ name, address }),
  );
  if (config.gateway.health !== null) {
    wanted.push({ name: 'health', address: config.gateway.health });
  }
  const { held = [], patienceMs } = options;
  const bound: ListeningSocket[] = [];
  const sockets: ListeningSocket[] = [];
  const deadlineMs = monotonicMs() + patienceMs;
  try {
    for (const { name, address } of wanted) {
      const kept = held.find(
        ({ wanted: other, fd }) =>
          isSameAddress(other, address) && !sockets.some((socket) => socket.fd === fd),
      );
      const socket = kept ?? (await bindOne(name, address, deadlineMs));
      if (kept === undefined) bound.push(socket);
      sockets.push(kept === undefined ? socket : { ...kept, name });
    }
  } catch (error) {
    for (const socket of bound) socket.close();
    throw error;
  }
  return sockets;
}

async function bindOne(
  name: string,
  address: Endpoint,
  deadlineMs: number,
): Promise<ListeningSocket> {
  try {
    const options =
      'path' in address
        ? { path: address.path }
        : { host: await numericHost(address.host), port: address.port };
    for (;;) {
      try {
        return hold(name, address, new BoundSocket(options));
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE') throw error;
        if ('path' in address && (await isLeftBehind(address.path))) {
          unlinkSync(address.path);
          continue;
        }
        if (monotonicMs() >= deadlineMs) throw error;
      }
      await sleep(50);
    }
  } catch (cause) {
    const place = formatAddress(address);
    throw new UnderstudyError(
      'UND_LISTEN_FAILED',
      `Cannot listen on ${place}: ${reasonOf(cause, address)}.`,
      {
        cause,
        details: { listener: name, address: place },
      },
    );
  }
}

function isSameAddress(a: Endpoint, b: Endpoint): boolean {
  return formatAddress(a) === formatAddress(b);
}

function hold(name: string, wanted: Endpoint, socket: BoundSocket): ListeningSocket {
  const fd = socket.fd();
  const close = (): void => socket.close();
  if ('port' in wanted) {
    return { name, wanted, address: { host: wanted.host, port: socket.address().port }, fd, close };
  }
  // Nobody can connect before somebody listens.
  chmodSync(wanted.path, LIMITS.unixSocketMode);
  return { name, wanted, address: wanted, fd, close };
}

/**
 * A Unix socket's file outlives a killed owner, and is in the way of the next one. It is taken for that only
 * where it is a socket and nobody listens: that of another process, or a file of another kind, stays.
 */
async function isLeftBehind(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  const probe = connect(path);
  try {
    await once(probe, 'connect');
    return false;
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED';
  } finally {
    probe.destroy();
  }
}

/** A socket is bound to numbers; a name is looked up once, at the start. */
async function numericHost(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Why a bind failed, as an operator would say it. */
function reasonOf(error: unknown, address: Endpoint): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return 'another process uses this address';
    case 'EACCES':
      // libuv says EACCES for a missing folder, too.
      if ('path' in address) return 'its folder does not exist or cannot be written';
      return 'this port needs a privilege that this process does not have';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'this name does not resolve';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
