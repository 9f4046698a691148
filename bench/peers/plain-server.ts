/**
 * A scoring server without a framework, as incumbent and candidate where there is no nginx, and as the
 * candidate that hangs: it reads, and never answers.
 *
 *   node bench/peers/plain-server.ts PORT answer|hang
 *
 * It reads as little of HTTP as its callers need: a head, `Content-Length`, keep-alive, pipelining.
 */
import { createServer, type Socket } from 'node:net';
import { answerBytes } from '../request.ts';

const [port, mode] = process.argv.slice(2);
const answer = answerBytes();
const HEAD_END = '\r\n\r\n';

createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (mode === 'hang') socket.resume();
  else serve(socket);
}).listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 });

function serve(socket: Socket): void {
  let waiting = '';
  // latin1: a character a byte, so that Content-Length counts characters.
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    waiting += text;
    for (;;) {
      const bytes = lengthOfFirst(waiting);
      if (bytes === 0) return;
      waiting = waiting.slice(bytes);
      socket.write(answer);
    }
  });
}

/** @returns bytes of the first request with its body; 0 while it is not complete */
function lengthOfFirst(text: string): number {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return 0;
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(text.slice(0, headEnd))?.[1] ?? '0';
  const end = headEnd + HEAD_END.length + Number(length);
  return text.length >= end ? end : 0;
}
