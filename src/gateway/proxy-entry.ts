/**
 * The PROXY header of an accepted connection is read before anything else: before TLS, and before a byte
 * counts as the caller's. Who sends none in time, sends another one, or comes from an address that may not,
 * is reset: nothing of the connection is relayed.
 */
import { BlockList, isIPv4, type Socket } from 'node:net';
import type { ProxyEntryConfig } from '../config/types.ts';
import type { ProxyEntryStatus } from '../wire/gateway-status.ts';
import type { OnBytes } from './byte-connection.ts';
import { type ConnectionAddresses, type ProxyFault, parseProxyHeader } from './proxy-protocol.ts';
import { isUnix } from './shared-read.ts';

type Outcome = 'ok' | ProxyFault | 'timeout' | 'aborted' | 'source';

/** What is told of one connection: one of the two, once. */
export interface ProxyEvents {
  /**
   * @param addresses - `null`: those of the connection itself
   * @param rest - what came behind the header: the caller's first bytes, perhaps none
   * @returns as `OnBytes`
   */
  read(addresses: ConnectionAddresses | null, rest: Buffer): boolean;
  failed(): void;
}

export class ProxyEntry {
  readonly #config: ProxyEntryConfig;
  readonly #listener: string;
  readonly #sources: BlockList | null;
  readonly #outcomes: Partial<Record<Outcome, number>> = {};

  constructor(listener: string, config: ProxyEntryConfig) {
    this.#listener = listener;
    this.#config = config;
    this.#sources = config.sources.length === 0 ? null : listOf(config.sources);
  }

  status(): ProxyEntryStatus {
    return { listener: this.#listener, headers: { ...this.#outcomes } };
  }

  /**
   * Reads the header of one connection.
   *
   * @param begin - begins to read, and returns the socket that is read
   */
  enter(begin: (onBytes: OnBytes) => Socket, events: ProxyEvents): void {
    let held: Buffer = Buffer.alloc(0);
    let isOver = false;
    const socket = begin((bytes) => {
      if (isOver) return true;
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const header = parseProxyHeader(held);
      if (header.state === 'more') return true;
      if (header.state === 'bad') {
        end(header.fault);
        return true;
      }
      finish('ok');
      return events.read(header.addresses, held.subarray(header.bytes));
    });
    const finish = (outcome: Outcome): void => {
      isOver = true;
      clearTimeout(timer);
      this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    };
    const end = (outcome: Outcome): void => {
      if (isOver) return;
      finish(outcome);
      socket.resetAndDestroy();
      events.failed();
    };
    const timer = setTimeout(() => end('timeout'), this.#config.timeoutMs);
    socket.on('error', () => end('aborted'));
    socket.on('end', () => end('aborted'));
    socket.on('close', () => end('aborted'));
    if (this.#sources !== null && !maySend(this.#sources, socket)) end('source');
  }
}

/** Who may connect to a Unix socket, its file's mode says. Who is gone and has no address any more may not. */
function maySend(sources: BlockList, socket: Socket): boolean {
  const address = socket.remoteAddress;
  if (address === undefined) return isUnix(socket);
  return sources.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** @param sources - `10.0.0.0/8`, `fd00::/8`, or one address, as checked by the configuration */
function listOf(sources: readonly string[]): BlockList {
  const list = new BlockList();
  for (const source of sources) {
    const [address = '', prefix] = source.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
