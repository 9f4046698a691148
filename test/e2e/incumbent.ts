/** The production endpoint: raw sockets, answers with the bytes of `answerOf`, and records what it was sent. */
import type { Socket } from 'node:net';
import { freePort } from '../support/free-port.ts';
import { answerOf } from './exchanges.ts';
import { headerOf, RequestReader } from './request-reader.ts';
import { TestServer } from './server.ts';

export class Incumbent extends TestServer {
  /** Request bytes, by the number of the exchange. */
  readonly received = new Map<number, Buffer>();
  /** Numbers that arrived again: always empty, if all is well. */
  readonly repeated: number[] = [];

  private constructor(port: number) {
    super(port, (socket) => this.#serve(socket));
  }

  /** One that does not listen yet. */
  static async closed(): Promise<Incumbent> {
    return new Incumbent(await freePort());
  }

  static async start(port?: number): Promise<Incumbent> {
    const incumbent = port === undefined ? await Incumbent.closed() : new Incumbent(port);
    await incumbent.open();
    return incumbent;
  }

  #serve(socket: Socket): void {
    const reader = new RequestReader();
    socket.on('data', (chunk: Buffer) => {
      for (const { raw, head } of reader.push(chunk)) {
        const number = Number(headerOf(head, 'x-number'));
        if (this.received.has(number)) this.repeated.push(number);
        this.received.set(number, raw);
        const answer = answerOf(number);
        // In two reads now and then: what arrives together must not matter.
        const cut = number % 3 === 0 ? 40 : answer.length;
        socket.write(answer.subarray(0, cut));
        if (cut < answer.length) setImmediate(() => socket.write(answer.subarray(cut)));
      }
    });
  }
}
