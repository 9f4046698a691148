import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Sends one request on a connection of its own.
 *
 * @param bytes - so many are waited for; without it, all until the other side ends
 */
export async function callOnce(port: number, request: Buffer, bytes?: number): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  let received = 0;
  socket.setTimeout(20_000, () => socket.destroy(new Error('no answer within 20 s')));
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    received += chunk.length;
    if (bytes !== undefined && received >= bytes) socket.destroy();
  });
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(pieces);
}
