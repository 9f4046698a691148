/** Family U with real peers: what changes its protocol is relayed, and never mirrored. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.ts';
import { expectExchangesToBalance, startGateway, startMirror } from './rig.ts';

const WS_KEY = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

async function listening(server: {
  listen(port: number, host: string): unknown;
  address(): AddressInfo | string | null;
  close(): unknown;
}): Promise<number> {
  server.listen(0, '127.0.0.1');
  await until('it listens', () => server.address() !== null);
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Answers a handshake and sends each frame of text back; masks are taken off (RFC 6455 5.3). */
function echo(socket: Socket, key: string): void {
  const accept = createHash('sha1')
    .update(key + WS_KEY)
    .digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => undefined);
  socket.on('data', (frame) => {
    const length = (frame[1] ?? 0) & 0x7f;
    if (((frame[0] ?? 0) & 0x0f) !== 1) return;
    const text = Buffer.from(
      frame.subarray(6, 6 + length).map((b, i) => b ^ (frame[2 + (i % 4)] ?? 0)),
    );
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
  });
}

describe.each(['relay', 'reject'] as const)('with ambiguous: %s', (ambiguous) => {
  async function start(port: number) {
    const rig = await startGateway(port, { gateway: { ambiguous } });
    return { rig, mirror: await startMirror(rig) };
  }

  it('U-01 a WebSocket echoes through the gateway', async () => {
    const server = createHttpServer();
    server.on('upgrade', (message, socket) => {
      onTestFinished(() => void socket.destroy());
      echo(socket as Socket, String(message.headers['sec-websocket-key']));
    });
    const { rig, mirror } = await start(await listening(server));
    const caller = new WebSocket(`ws://127.0.0.1:${rig.port}/ws`);
    await once(caller, 'open');
    for (const text of ['hello', 'GET / HTTP/1.1\r\n\r\n']) {
      const answer = once(caller, 'message');
      caller.send(text);
      const [event] = await answer;
      expect(event.data).toBe(text);
    }
    expect(rig.status().connections.opaque).toEqual({ upgrade: 1 });
    caller.close();
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({
      seen: 1,
      'ineligible(upgrade)': 1,
    });
    expect(mirror.frames).toEqual([]);
  });

  it('U-02 a tunnel made by CONNECT carries bytes both ways', async () => {
    const server = createHttpServer();
    server.on('connect', (_, socket) => {
      onTestFinished(() => void socket.destroy());
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => socket.write(bytes));
    });
    const { rig, mirror } = await start(await listening(server));
    const asked = request({
      port: rig.port,
      method: 'CONNECT',
      path: 'h:443',
      headers: { host: 'h:443' },
    });
    asked.end();
    const [, tunnel] = await once(asked, 'connect');
    tunnel.write('\x16\x03\x01 anything');
    const [bytes] = await once(tunnel, 'data');
    expect(bytes.toString('latin1')).toBe('\x16\x03\x01 anything');
    tunnel.destroy();
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({
      seen: 1,
      'ineligible(upgrade)': 1,
    });
    expect(mirror.frames).toEqual([]);
  });

  it('U-03 an attempt at h2c that is ignored is answered as usual', async () => {
    const server = createHttpServer((_, response) => response.end('plain'));
    const { rig, mirror } = await start(await listening(server));
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABk',
    };
    const asked = request({ port: rig.port, headers });
    asked.end();
    const [response] = await once(asked, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
    await once(response, 'end');
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({
      seen: 1,
      'ineligible(upgrade)': 1,
    });
    expect(mirror.frames).toEqual([]);
  });
});

describe('U-04 HTTP/2 by prior knowledge', () => {
  it('is relayed, and counted as opaque', async () => {
    const server = createHttp2Server((_, response) => response.end('over two'));
    const rig = await startGateway(await listening(server));
    const mirror = await startMirror(rig);
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ':path': '/v1/score' });
    let body = '';
    stream.on('data', (bytes) => {
      body += bytes;
    });
    await once(stream, 'end');
    expect(body).toBe('over two');
    expect(rig.status().connections.opaque).toEqual({ http2_preface: 1 });
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({});
    expect(mirror.frames).toEqual([]);
  });

  it('is refused with reject: nobody can tell where its requests end', async () => {
    const server = createHttp2Server();
    const rig = await startGateway(await listening(server), { gateway: { ambiguous: 'reject' } });
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    await once(session, 'error');
    expect(rig.status().connections).toMatchObject({ opaque: {}, refused: { http2_preface: 1 } });
  });
});
