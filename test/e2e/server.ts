/** A TCP server of a test: it can be closed and opened again on the same port. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export class TestServer {
  readonly port: number;
  readonly #onSocket: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  protected constructor(port: number, onSocket: (socket: Socket) => void) {
    this.port = port;
    this.#onSocket = onSocket;
  }

  /** `127.0.0.1:PORT` */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('end', () => socket.end());
      this.#onSocket(socket);
    });
    this.#server = server;
    server.listen({ port: this.port, host: '127.0.0.1', backlog: 1_024 });
    await once(server, 'listening');
  }

  /** Nobody listens from now on, and open connections are reset. */
  close(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

/** Ends a server with its test. */
export function closeWithTest<T extends TestServer>(server: T): T {
  onTestFinished(() => server.close());
  return server;
}
