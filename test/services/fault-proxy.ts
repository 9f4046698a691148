/**
 * A TCP proxy that harms what passes through it, with the eight toxics of toxiproxy
 * (github.com/Shopify/toxiproxy#toxics), to be added and removed while connections are open.
 *
 *   client ──upstream──►  proxy  ──►  target          a toxic works on one of the two directions
 *          ◄─downstream──       ◄──
 *
 * Invariants: without toxics bytes, ends and resets pass as they are; a direction never reorders bytes; what
 * is held back is bounded, and what is over the bound is not read.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Link, type Random } from './fault-link.ts';

/** All times in ms. `down` is not among them: see `FaultProxy.down`. */
export type Toxic =
  /** Bytes arrive later, by latencyMs ± jitterMs. */
  | { readonly type: 'latency'; readonly latencyMs: number; readonly jitterMs?: number }
  | { readonly type: 'bandwidth'; readonly bytesPerSecond: number }
  /** The end of the connection arrives later. */
  | { readonly type: 'slow_close'; readonly delayMs: number }
  /** Bytes vanish, and after timeoutMs the connection is closed; 0: never. */
  | { readonly type: 'timeout'; readonly timeoutMs: number }
  /** After timeoutMs both sides are reset. */
  | { readonly type: 'reset_peer'; readonly timeoutMs: number }
  /** Bytes arrive in pieces of averageBytes ± variationBytes, delayMs apart. */
  | {
      readonly type: 'slicer';
      readonly averageBytes: number;
      readonly variationBytes?: number;
      readonly delayMs?: number;
    }
  /** The connection is closed after so many bytes in this direction, those before the toxic included. */
  | { readonly type: 'limit_data'; readonly bytes: number };

export type Stream = 'upstream' | 'downstream';

/** A toxic in force. */
export interface PlacedToxic {
  readonly toxic: Toxic;
  readonly stream: Stream;
  /** Share of connections that it works on, 0 to 1; drawn once a connection. */
  readonly toxicity: number;
}

export interface FaultProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Draws in [0, 1), for jitter, pieces and toxicity; seeded where a test has to be repeatable. */
  readonly random?: Random;
}

interface Connection {
  readonly client: Socket;
  readonly target: Socket;
  readonly links: readonly Link[];
}

export class FaultProxy {
  readonly #random: Random;
  readonly #connections = new Set<Connection>();
  #target: FaultProxyOptions['target'];
  #toxics: readonly PlacedToxic[] = [];
  #server: Server | null = null;
  #port = 0;

  private constructor({ target, random = Math.random }: FaultProxyOptions) {
    this.#target = target;
    this.#random = random;
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.up();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Where connections lead from now on: a target may need to know our port before it has one. */
  lead(target: FaultProxyOptions['target']): void {
    this.#target = target;
  }

  /** Works on open connections, too. @returns takes it away again */
  add(toxic: Toxic, stream: Stream = 'downstream', toxicity = 1): () => void {
    const placed = { toxic, stream, toxicity };
    this.#use([...this.#toxics, placed]);
    return () => this.#use(this.#toxics.filter((other) => other !== placed));
  }

  /** Takes all toxics away. */
  clear(): void {
    this.#use([]);
  }

  /** The eighth toxic: nobody listens, and what is open is closed. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.close();
    for (const { client, target } of this.#connections) {
      client.destroy();
      target.destroy();
    }
    if (server?.listening) await once(server, 'close');
  }

  /** Listens again, on the same port. */
  async up(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  close(): Promise<void> {
    return this.down();
  }

  #use(toxics: readonly PlacedToxic[]): void {
    this.#toxics = toxics;
    for (const { links } of this.#connections) for (const link of links) link.use(toxics);
  }

  #accept(client: Socket): void {
    const target = connect({ ...this.#target, allowHalfOpen: true });
    const reset = (): void => {
      client.resetAndDestroy();
      target.resetAndDestroy();
    };
    const link = (stream: Stream, from: Socket, to: Socket): Link =>
      new Link({ stream, from, to, random: this.#random, reset });
    const links = [link('upstream', client, target), link('downstream', target, client)];
    const connection = { client, target, links };
    this.#connections.add(connection);
    for (const one of links) one.use(this.#toxics);
    const forget = (): void => {
      for (const one of links) one.stop();
      this.#connections.delete(connection);
    };
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        if (other.destroyed) forget();
      });
    }
  }
}
