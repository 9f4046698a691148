/** Candidates of the bench, in its own process: it knows how many copies have been answered. */
import { createServer, type Server, type Socket } from 'node:net';
import { answerBytes } from '../request.ts';

/** `fast`: at once. A number: one after the other, so many a second. `hangs`: never. */
export type Pace = 'fast' | 'hangs' | number;

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: ?(\d+)/i;

export class BenchCandidate {
  readonly #server: Server;
  readonly #pace: Pace;
  readonly #answer = answerBytes();
  readonly #sockets = new Set<Socket>();
  readonly #waiting: Socket[] = [];
  #timer: NodeJS.Timeout | undefined;
  #received = 0;
  #answered = 0;
  onAnswer: () => void = () => undefined;

  private constructor(pace: Pace) {
    this.#pace = pace;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    if (typeof pace !== 'number') return;
    const startedMs = performance.now();
    let served = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1_000) * pace);
      for (; served < due; served += 1) this.#reply(this.#waiting.shift());
    }, 2);
  }

  static async start(pace: Pace): Promise<BenchCandidate> {
    const candidate = new BenchCandidate(pace);
    const server = candidate.#server;
    await new Promise<void>((resolve) =>
      server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, resolve),
    );
    return candidate;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  /** Whole requests. */
  get received(): number {
    return this.#received;
  }

  get answered(): number {
    return this.#answered;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    let waiting = '';
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      waiting = waiting === '' ? text : waiting + text;
      for (let bytes = lengthOfFirst(waiting); bytes > 0; bytes = lengthOfFirst(waiting)) {
        waiting = waiting.slice(bytes);
        this.#received += 1;
        if (this.#pace === 'fast') this.#reply(socket);
        else this.#waiting.push(socket);
      }
    });
  }

  #reply(socket: Socket | undefined): void {
    if (socket === undefined || socket.destroyed) return;
    socket.write(this.#answer);
    this.#answered += 1;
    this.onAnswer();
  }
}

/** @returns bytes of the first request with its body; 0 while it is not complete */
function lengthOfFirst(text: string): number {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return 0;
  const end = headEnd + HEAD_END.length + Number(LENGTH.exec(text)?.[1] ?? 0);
  return text.length >= end ? end : 0;
}
