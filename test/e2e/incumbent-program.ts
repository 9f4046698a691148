/** `incumbent-program.ts PORT`: answers with the bytes of `answerOf` on all addresses of its network. */
import { createServer } from 'node:net';
import { answerOf } from './exchanges.ts';
import { headerOf, RequestReader } from './request-reader.ts';

createServer({ noDelay: true }, (socket) => {
  const reader = new RequestReader();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (const { head } of reader.push(chunk))
      socket.write(answerOf(Number(headerOf(head, 'x-number'))));
  });
}).listen(Number(process.argv[2]), '0.0.0.0');
