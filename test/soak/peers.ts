/** The soak's own end of every socket: an incumbent, candidates that answer, lag or hang, and callers. */
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

const ANSWER = '{"score":0.25,"label":"good","model_version":"1"}';
/** Two size classes. */
const BODIES = ['{"amount":1200}', `{"amount":1200,"pad":"${'x'.repeat(2_000)}"}`];
const LENGTH = /content-length: (\d+)/i;

/** @param delayMs - of the nth request; `null`: it is never answered */
export async function startModel(delayMs: (n: number) => number | null): Promise<number> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const delay = delayMs(asked);
    request.resume().on('end', () => {
      if (delay === null) return;
      if (delay === 0) response.end(ANSWER);
      else setTimeout(() => response.end(ANSWER), delay);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

export interface CallersOptions {
  readonly port: number;
  /** Keep-alive connections, each with one request at a time. */
  readonly connections: number;
  /** Requests, all together. */
  readonly exchanges: number;
}

/** Callers that ask until all is answered. An answer that is not the incumbent's, or a lost connection, is an error. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #done = Promise.withResolvers<void>();
  #sent = 0;
  #answered = 0;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Resolves when all is answered; rejects at the first wrong byte. */
  run(): Promise<void> {
    for (let i = 0; i < this.#options.connections; i += 1) this.#open();
    return this.#done.promise;
  }

  #open(): void {
    const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true });
    let text = '';
    socket.on('connect', () => this.#ask(socket));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(LENGTH.exec(text)?.[1] ?? Number.NaN);
      if (end < 0 || text.length < end + 4 + length) return;
      if (text.slice(end + 4) !== ANSWER) this.#done.reject(new Error(`a wrong answer: ${text}`));
      text = '';
      this.#answered += 1;
      if (this.#answered === this.#options.exchanges) this.#done.resolve();
      this.#ask(socket);
    });
    socket.on('error', (cause) => this.#done.reject(new Error('a caller failed', { cause })));
    socket.on('close', () => {
      if (this.#answered < this.#options.exchanges)
        this.#done.reject(new Error('a caller was cut'));
    });
  }

  #ask(socket: Socket): void {
    if (this.#sent === this.#options.exchanges) return;
    const body = BODIES[this.#sent % BODIES.length] ?? '';
    this.#sent += 1;
    socket.write(
      `POST /v1/score HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  }
}
