/** A mirror of another version: the gateway sheds, says so, and tries again. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.ts';
import {
  countsOf,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
} from './rig.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

it('sheds while the mirror refuses it, and offers nothing that would be lost', async () => {
  const origin = await startOrigin((socket, all) => {
    if (all.subarray(-4).equals(Buffer.from('\r\n\r\n'))) socket.write(OK);
  });
  const rig = await startGateway(origin.port);
  let refusals = 0;
  const refusing = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      refusals += 1;
      socket.destroy();
    });
  });
  onTestFinished(() => void refusing.close());
  refusing.listen(rig.wireSocket);
  await once(refusing, 'listening');
  await until('it is refused', () => rig.status().wire.state === 'refused');
  const caller = await rawCaller(rig.port);
  let sent = 0;
  while (refusals < 3) {
    caller.socket.write(GET);
    sent += 1;
    await untilReceived(caller, sent * OK.length);
    expect(rig.status().wire.connected).toBe(false);
  }
  expect(countsOf(rig.status().cells)).toEqual({ seen: sent, 'shed(mirror_down)': sent });
  refusing.close();
  await once(refusing, 'close');
  const mirror = await startMirror(rig);
  expect(rig.status().wire.state).toBe('up');
  caller.socket.write(GET);
  await until('the copy arrives', () => mirror.frames.length === 1);
  // What was counted during the trial is known to the mirror, too.
  await until('the ledger is there', () => {
    expect(countsOf(mirror.cells)).toEqual(countsOf(rig.status().cells));
    return true;
  });
});
