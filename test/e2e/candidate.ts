/** A candidate that does what it is told: answers, or fails in one of the ways that models fail. */
import type { Socket } from 'node:net';
import { freePort } from '../support/free-port.ts';
import { scoreOf } from './exchanges.ts';
import { headerOf, type ReadRequest, RequestReader } from './request-reader.ts';
import { TestServer } from './server.ts';

/** What it does with a request that is complete. */
export type Behaviour = (socket: Socket, request: ReadRequest) => void;

const BODY = '{"score":0.5,"label":"bad","model_version":"cand-1"}';
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`;

function written(bytes: string, then: (socket: Socket) => void): Behaviour {
  return (socket) => void socket.write(bytes, () => then(socket));
}

const reset = (socket: Socket): void => void socket.resetAndDestroy();

export const BEHAVIOURS = {
  /** Scores as the incumbent does. */
  answers: (socket, { head }) => {
    const score = scoreOf(Number(headerOf(head, 'x-number')));
    const body = `{"score":${score},"label":"good","model_version":"cand-1"}`;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  },
  hangs: () => undefined,
  resets: (socket) => reset(socket),
  resetsAfterHead: written(HEAD, reset),
  resetsInBody: written(HEAD + BODY.slice(0, 9), reset),
  closesInBody: written(HEAD + BODY.slice(0, 9), (socket) => socket.destroy()),
  answersGarbage: written('SSH-2.0-OpenSSH_9.6\r\n\r\n', () => undefined),
  sendsHeadersWithoutEnd: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('X-A: aaaaaaaaaa\r\n'.repeat(1_024)), 10);
    socket.on('close', () => clearInterval(timer));
  },
  answers500: written('HTTP/1.1 500 Oh No\r\nContent-Length: 4\r\n\r\noops', () => undefined),
} as const satisfies Record<string, Behaviour>;

export class TestCandidate extends TestServer {
  behaviour: Behaviour = BEHAVIOURS.answers;
  /** Copies received, as they came. */
  readonly copies: ReadRequest[] = [];

  private constructor(port: number) {
    super(port, (socket) => this.#serve(socket));
  }

  static async closed(): Promise<TestCandidate> {
    return new TestCandidate(await freePort());
  }

  static async start(): Promise<TestCandidate> {
    const candidate = await TestCandidate.closed();
    await candidate.open();
    return candidate;
  }

  /** Its section of the configuration; without a breaker, so that each copy meets it as it is. */
  section(name = 'cand', overrides: Readonly<Record<string, unknown>> = {}) {
    return {
      name,
      url: `http://${this.address}`,
      timeoutMs: 20_000,
      maxInFlight: 256,
      breaker: null,
      ...overrides,
    };
  }

  #serve(socket: Socket): void {
    const reader = new RequestReader();
    socket.on('data', (chunk: Buffer) => {
      for (const request of reader.push(chunk)) {
        this.copies.push(request);
        this.behaviour(socket, request);
      }
    });
  }
}
