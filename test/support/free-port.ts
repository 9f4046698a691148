/**
 * Ports for what listens only later. They lie below the range from which the kernel picks (Linux: 32768 and
 * up), so nobody is given one by chance, and a port once taken is kept from all other test processes by an
 * abstract socket until this one ends.
 */
import { once } from 'node:events';
import { BoundSocket, createServer } from 'node:net';

const FIRST = 20_000;
const COUNT = 10_000;
let next = process.pid % COUNT;

/** A port of 127.0.0.1 on which nobody listens until this test process does. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + (next++ % COUNT);
    if ((await claim(port)) && isFree(port)) return port;
  }
  throw new Error('no port is left');
}

async function claim(port: number): Promise<boolean> {
  const server = createServer().unref();
  server.listen({ path: `\0understudy-test-port-${port}` });
  return await once(server, 'listening').then(
    () => true,
    () => false,
  );
}

function isFree(port: number): boolean {
  try {
    new BoundSocket({ host: '127.0.0.1', port }).close();
    return true;
  } catch {
    return false;
  }
}
