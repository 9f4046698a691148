/** A scoring server that gives back what it was sent, in every part of its answers, as real ones do in errors. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { freePort } from '../support/free-port.ts';
import { headerOf, type ReadRequest, RequestReader } from './request-reader.ts';
import { TestServer } from './server.ts';

/** What an answer is made of. */
export interface EchoedAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

/** @param number - of the request, from its `X-Number` */
export type EchoBehaviour = (number: number, request: ReadRequest) => EchoedAnswer;

export class EchoServer extends TestServer {
  readonly requests: Buffer[] = [];

  private constructor(port: number, behaviour: EchoBehaviour) {
    super(port, (socket) => this.#serve(socket, behaviour));
  }

  static async start(behaviour: EchoBehaviour): Promise<EchoServer> {
    const server = new EchoServer(await freePort(), behaviour);
    await server.open();
    return server;
  }

  #serve(socket: Socket, behaviour: EchoBehaviour): void {
    const reader = new RequestReader();
    socket.on('data', (chunk: Buffer) => {
      for (const request of reader.push(chunk)) {
        this.requests.push(request.raw);
        socket.write(toAnswer(request, behaviour));
        if (headerOf(request.head, 'connection').startsWith('close')) socket.end();
      }
    });
  }
}

/** Its reason phrase, its headers and its trailers are as talkative as its body. */
function toAnswer(request: ReadRequest, behaviour: EchoBehaviour): string {
  const { head } = request;
  const { status, body, contentType } = behaviour(Number(headerOf(head, 'x-number')), request);
  const secret = headerOf(head, 'authorization') || headerOf(head, 'x-plain');
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Odd'} ${secret}`,
    `Content-Type: ${contentType ?? 'application/json'}`,
    `X-Echo: ${secret}`,
    `Set-Cookie: session=${secret}`,
    'Transfer-Encoding: chunked',
  ];
  const chunk = `${Buffer.byteLength(body).toString(16)};echo="x"\r\n${body}\r\n`;
  return `${lines.join('\r\n')}\r\n\r\n${body === '' ? '' : chunk}0\r\nX-Trailer: ${secret}\r\n\r\n`;
}
