import { once } from 'node:events';
import { statSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { encodeExchange } from '../../src/wire/exchange-frame.ts';
import { encodeHello } from '../../src/wire/json-messages.ts';
import { WIRE_VERSION } from '../../src/wire/messages.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

async function start(folder = tempFolder()) {
  const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"a"}'));
  return startMirror(mirrorConfig([httpCandidate(url)]), { folder });
}

describe('Intake', () => {
  it('makes its socket for its own user alone', async () => {
    const { wireSocket } = await start();
    expect(statSync(wireSocket).mode & 0o777).toBe(0o600);
  });

  it('takes over the name of a mirror before it, whose connections go on', async () => {
    const folder = tempFolder();
    const first = await start(folder);
    const gateway = new WireClient();
    await gateway.connect(first.wireSocket);
    const second = await start(folder);
    const other = new WireClient();
    await other.connect(second.wireSocket);
    gateway.offer();
    other.offer();
    await settled(first, gateway);
    await settled(second, other);
    expect(first.recorder.entries).toHaveLength(1);
    expect(second.recorder.entries).toHaveLength(1);
  });

  it('binds where a mirror of the same pid was killed before it had renamed its socket', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, `.w${process.pid % 1_000_000}`), '');
    const { wireSocket } = await start(folder);
    expect(statSync(wireSocket).isSocket()).toBe(true);
  });

  it('makes its socket again when somebody removes it', async () => {
    const rig = await start();
    unlinkSync(rig.wireSocket);
    const gateway = new WireClient();
    await until('connected', () => gateway.connect(rig.wireSocket).then(() => true));
    gateway.offer();
    await settled(rig, gateway);
    expectBalancedBooks(rig, gateway);
  });

  it('sheds what is over its own caps, however large a gateway may send, and goes on', async () => {
    const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"a"}'));
    const caps = {
      ...DEFAULTS.gateway,
      maxRequestBytes: 2_000,
      maxAnswerBytes: 2_000,
      health: null,
    };
    const rig = await startMirror(mirrorConfig([httpCandidate(url)], { gateway: caps }));
    const gateway = new WireClient();
    await gateway.connect(rig.wireSocket);
    gateway.offer();
    gateway.offer({ body: 'x'.repeat(100_000) });
    gateway.offer({ answer: 'y'.repeat(3_000) });
    gateway.offer({ body: 'x'.repeat(3_000), answer: 'y'.repeat(3_000) }, { rate: 0 });
    gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(2);
    expect(legsIn(rig, 'shed', 'request_too_large')).toBe(1);
    expect(legsIn(rig, 'shed', 'answer_too_large')).toBe(1);
    expect(legsIn(rig, 'not_selected')).toBe(1);
    expect(rig.mirror.status().wireErrors).toBe(0);
    expect(rig.mirror.status().queuedBytes).toBe(0);
    expectBalancedBooks(rig, gateway);
  });

  it('reads exchanges at any segmentation', async () => {
    const rig = await start();
    const gateway = new WireClient();
    await gateway.connect(rig.wireSocket);
    const bytes = Buffer.concat([1, 2, 3].map(() => encodeExchange(gateway.frame())));
    for (const byte of bytes) {
      if (!gateway.socket.write(Buffer.of(byte))) await once(gateway.socket, 'drain');
    }
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(3);
    expectBalancedBooks(rig, gateway);
  });

  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a length of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 2])],
    [
      'a hello of another version',
      encodeHello({
        version: WIRE_VERSION + 1,
        instance: 'i',
        epoch: 'e',
        pid: 1,
        nextSeq: 1,
        cells: [],
        foldedBefore: 0,
      }),
    ],
    [
      'a hello that does not add up',
      encodeHello({
        version: WIRE_VERSION,
        instance: 'i',
        epoch: 'e',
        pid: 1,
        nextSeq: 9,
        cells: [],
        foldedBefore: 0,
      }),
    ],
  ])(
    'closes a connection that sends %s, counts it, and serves the others',
    async (_what, bytes) => {
      const rig = await start();
      const gateway = new WireClient();
      await gateway.connect(rig.wireSocket);
      const hostile = connect(rig.wireSocket);
      hostile.on('error', () => {});
      hostile.write(bytes);
      await once(hostile.resume(), 'close');
      expect(rig.mirror.status().wireErrors).toBe(1);
      gateway.offer();
      await settled(rig, gateway);
      expectBalancedBooks(rig, gateway);
    },
  );
});
