/** Unix sockets as the supervisor binds them: it never listens, and a killed one leaves its file. */
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bindListeners } from '../../src/main/listening-sockets.ts';
import { tempFolder } from '../support/temp-folder.ts';

const NO_HEALTH = { health: null };

function bind(path: string, patienceMs = 0) {
  return bindListeners(
    { listeners: [{ name: 'main', address: { path } }], gateway: NO_HEALTH },
    { patienceMs },
  );
}

describe('a Unix socket of a listener', () => {
  it('is bound for owner and group, can be listened on by its descriptor, and goes with it', async () => {
    const path = join(tempFolder(), 'l.sock');
    const [socket] = await bind(path);
    if (socket === undefined) throw new Error('not bound');
    expect(socket.address).toEqual({ path });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    const server = createServer((caller) => caller.end('here')).listen({ fd: socket.fd });
    await once(server, 'listening');
    const caller = connect(path);
    expect(String((await once(caller, 'data'))[0])).toBe('here');
    server.close();
    await once(server, 'close');
    expect(existsSync(path)).toBe(true);
    socket.close();
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one that nobody listens on', async () => {
    const path = join(tempFolder(), 'l.sock');
    const [left] = await bind(path);
    const [socket] = await bind(path);
    expect(socket?.address).toEqual({ path });
    socket?.close();
    left?.close();
  });

  it('does not take the place of another process, nor of a file', async () => {
    const path = join(tempFolder(), 'l.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    await expect(bind(path)).rejects.toThrow(
      `Cannot listen on unix:${path}: another process uses this address.`,
    );
    const file = join(tempFolder(), 'file');
    writeFileSync(file, 'kept');
    await expect(bind(file)).rejects.toThrow('another process uses this address');
    expect(statSync(file).size).toBe(4);
    await expect(bind('/nowhere/at/all.sock')).rejects.toThrow('its folder does not exist or');
  });

  it('waits for a predecessor that is giving it up', async () => {
    const path = join(tempFolder(), 'l.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const bound = bind(path, 5_000);
    setTimeout(() => server.close(), 100);
    const [socket] = await bound;
    expect(socket?.address).toEqual({ path });
    socket?.close();
  });
});
