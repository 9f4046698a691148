/**
 * The listening sockets of the gateways, bound and held by the supervisor, which never accepts. They
 * outlive a killed gateway: what connects meanwhile waits in the kernel's queue for the next one.
 */
import { lookup } from 'node:dns/promises';
import { BoundSocket, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../config/address.ts';
import type { Address, GatewayConfig, ListenerConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';

/** One bound socket; `address` has the port that was picked where 0 was asked for. */
export interface ListeningSocket {
  /** Name of the listener, or `health`. */
  readonly name: string;
  readonly address: Address;
  readonly fd: number;
  close(): void;
}

/**
 * Binds all listeners, then health where it is configured: the order of the descriptors of a gateway.
 *
 * @param options.patienceMs - how long an address may stay taken: a predecessor is giving it up
 * @throws {UnderstudyError} `UND_LISTEN_FAILED`; what was bound before is released
 */
export async function bindListeners(
  config: {
    readonly listeners: readonly Pick<ListenerConfig, 'name' | 'address'>[];
    readonly gateway: Pick<GatewayConfig, 'health'>;
  },
  options: { readonly patienceMs: number },
): Promise<ListeningSocket[]> {
  const wanted = config.listeners.map(({ name, address }) => ({ name, address }));
  if (config.gateway.health !== null) {
    wanted.push({ name: 'health', address: config.gateway.health });
  }
  const bound: ListeningSocket[] = [];
  const deadlineMs = monotonicMs() + options.patienceMs;
  try {
    for (const { name, address } of wanted) bound.push(await bindOne(name, address, deadlineMs));
  } catch (error) {
    for (const socket of bound) socket.close();
    throw error;
  }
  return bound;
}

async function bindOne(
  name: string,
  address: Address,
  deadlineMs: number,
): Promise<ListeningSocket> {
  try {
    const host = await numericHost(address.host);
    for (;;) {
      try {
        return hold(name, address, new BoundSocket({ host, port: address.port }));
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE' || monotonicMs() >= deadlineMs) throw error;
      }
      await sleep(50);
    }
  } catch (cause) {
    const place = formatAddress(address);
    throw new UnderstudyError(
      'UND_LISTEN_FAILED',
      `Cannot listen on ${place}: ${reasonOf(cause)}.`,
      {
        cause,
        details: { listener: name, address: place },
      },
    );
  }
}

function hold(name: string, wanted: Address, socket: BoundSocket): ListeningSocket {
  const { port } = socket.address();
  return {
    name,
    address: { host: wanted.host, port },
    fd: socket.fd(),
    close: () => socket.close(),
  };
}

/** A socket is bound to numbers; a name is looked up once, at the start. */
async function numericHost(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Why a bind failed, as an operator would say it. */
function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return 'another process uses this address';
    case 'EACCES':
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
