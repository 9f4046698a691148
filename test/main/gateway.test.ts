/** The gateway as a process: what it loads, serves, and how it ends. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sendCommand } from '../../src/telemetry/status-socket.ts';
import { type GatewayProcess, startGatewayProcess } from '../gateway/process-rig.ts';
import { rawCaller, startOrigin, TestMirror, untilReceived } from '../gateway/rig.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function origin() {
  return startOrigin((socket, received) => {
    if (received.subarray(-4).equals(Buffer.from('\r\n\r\n'))) socket.write(OK);
  });
}

describe('a gateway process', () => {
  it('serves traffic and status, and has loaded no file of any package', async () => {
    const loads = join(import.meta.dirname, '../gateway/preload/record-loads.mjs');
    const list = join(tempFolder(), 'loaded');
    const gateway = await startGatewayProcess((await origin()).port, {
      nodeArgs: ['--import', loads],
      env: { LOADED_MODULES: list },
    });
    const mirror = await new TestMirror().listen(gateway.wireSocket);
    await until('the wire is up', async () => (await gateway.status()).wire.connected);
    const caller = await rawCaller(gateway.port);
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    await until('the copy arrived', () => mirror.frames.length === 1);
    const status = await gateway.status();
    expect(status).toMatchObject({ process: 'gateway', name: 'gw0', seen: 1, open: 0 });
    const loaded = readFileSync(list, 'utf8').trim().split('\n');
    expect(loaded.length).toBeGreaterThan(20);
    const foreign = loaded.filter((url) => url.includes('/node_modules/'));
    expect(foreign).toEqual([]);
    const outside = loaded.filter((url) => !url.includes('/src/') && !url.startsWith('node:'));
    expect(outside).toEqual([]);
  });

  it('says on its health listener that it lives and whether it is ready', async () => {
    const gateway = await startGatewayProcess((await origin()).port);
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${gateway.healthPort}${path}`)).status;
    expect(await get('/livez')).toBe(200);
    expect(await get('/readyz')).toBe(200);
    expect(await get('/other')).toBe(404);
    const caller = await rawCaller(gateway.port);
    caller.socket.write(GET.slice(0, -2));
    await until(
      'the connection is open',
      async () => (await gateway.status()).connections.open === 1,
    );
    gateway.child.kill('SIGTERM');
    await until('not ready', async () => (await get('/readyz')) === 503);
    expect(await get('/livez')).toBe(200);
    caller.socket.write('\r\n');
    await until('answered and ended', () => caller.closed() === 'end');
    caller.socket.end();
    expect(await gateway.ended).toBe(0);
  });

  it.each(['stop', 'drain'])('ends orderly on the command %s', async (command) => {
    const gateway = await startGatewayProcess((await origin()).port);
    const mirror = await new TestMirror().listen(gateway.wireSocket);
    await until('the wire is up', async () => (await gateway.status()).wire.connected);
    await sendCommand(gateway.statusSocket, command);
    expect(await gateway.ended).toBe(0);
    await until('farewell', () => mirror.messages.at(-1)?.type === 'farewell');
  });

  it.each([
    ['its successor is there', (gateway: GatewayProcess) => gateway.child.kill('SIGUSR2')],
    [
      'the next supervisor asks',
      (gateway: GatewayProcess) => sendCommand(gateway.statusSocket, 'stop'),
    ],
  ])('gives its health address up at once when %s, and drains', async (_, ask) => {
    let answer = (): void => undefined;
    const { port } = await startOrigin((socket) => {
      answer = () => socket.write(OK);
    });
    const gateway = await startGatewayProcess(port);
    const caller = await rawCaller(gateway.port);
    caller.socket.write(GET);
    await until('a request is under way', async () => (await gateway.status()).open === 1);
    await ask(gateway);
    await until('its health address is free', async () => {
      await expect(rawCaller(gateway.healthPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      return true;
    });
    // Asked again, by a third supervisor say, it goes on.
    await ask(gateway);
    expect((await gateway.status()).draining).toBe(true);
    answer();
    await until('answered and ended', () => caller.closed() === 'end');
    caller.socket.end();
    expect(await gateway.ended).toBe(0);
  });

  it.each(['SIGTERM', 'SIGUSR2'] as const)(
    'that has callers before it is up ends orderly on %s',
    async (signal) => {
      let answer = (): unknown => undefined;
      const { port } = await startOrigin((socket) => {
        answer = () => socket.write(OK);
      });
      const late = join(import.meta.dirname, '../gateway/preload/late-status.mjs');
      const gateway = await startGatewayProcess(port, {
        nodeArgs: ['--import', late],
        until: 'caller',
      });
      const caller = await rawCaller(gateway.port);
      const nothing = answer;
      caller.socket.write(GET);
      await until('a request is under way', () => answer !== nothing);
      gateway.child.kill(signal);
      await until('it listens no more', async () => {
        await expect(rawCaller(gateway.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
        return true;
      });
      answer();
      await until('answered and ended', () => caller.closed() === 'end');
      expect(caller.received().toString('latin1')).toContain('Connection: close');
      caller.socket.end();
      expect(await gateway.ended).toBe(0);
    },
  );

  it('ends at once on a second SIGTERM', async () => {
    const gateway = await startGatewayProcess((await startOrigin(() => undefined)).port);
    const caller = await rawCaller(gateway.port);
    caller.socket.write(GET);
    await until('a request is under way', async () => (await gateway.status()).open === 1);
    gateway.child.kill('SIGTERM');
    await until('draining', async () => (await gateway.status()).draining);
    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(1);
  });

  it('goes on while its mirror is stopped, and its queue stays bounded', async () => {
    const maxWireBytes = 500_000;
    const gateway = await startGatewayProcess((await origin()).port, { gateway: { maxWireBytes } });
    const mirror = new TestMirror();
    mirror.reading = false;
    await mirror.listen(gateway.wireSocket);
    await until('the wire is up', async () => (await gateway.status()).wire.connected);
    const request = `GET /x HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`;
    for (let i = 0; i < 30; i++) {
      const caller = await rawCaller(gateway.port);
      caller.socket.write(request);
      await untilReceived(caller, OK.length);
      caller.socket.destroy();
    }
    const { wire } = await gateway.status();
    expect(wire.queuedBytes).toBeGreaterThan(maxWireBytes / 2);
    expect(wire.queuedBytes).toBeLessThanOrEqual(maxWireBytes);
  });
});
