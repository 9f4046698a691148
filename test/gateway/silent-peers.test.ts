/** Peers whose machine is gone: only the kernel can tell them from those that wait. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { rawCaller, startGateway, startOrigin } from './rig.ts';
import { tlsCaller, tlsListener, writeServerCertificate } from './tls-rig.ts';

const LOCALHOST = '0100007F';
const ESTABLISHED = '01';
const KEEP_ALIVE = '02';

/** Timers of the established connections that have this local port, as Linux has them. */
function timersOf(port: number): string[] {
  const local = `${LOCALHOST}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === local && fields[3] === ESTABLISHED)
    .map((fields) => fields[5]?.slice(0, 2) ?? '');
}

it.each([false, true])('the kernel asks both sides whether they are there, TLS %s', async (tls) => {
  const origin = await startOrigin(() => undefined);
  const listener = tlsListener(origin.port, writeServerCertificate(tempFolder()));
  const rig = await startGateway(origin.port, tls ? { config: { listeners: [listener] } } : {});
  const caller = await (tls ? tlsCaller(rig.port) : rawCaller(rig.port));
  caller.socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await until('it is asked', () => (origin.received[0]?.length ?? 0) > 0);
  const upstreamPort = origin.sockets[0]?.remotePort ?? 0;
  await until('nothing else is on its way', () => {
    expect([timersOf(rig.port), timersOf(upstreamPort)]).toEqual([[KEEP_ALIVE], [KEEP_ALIVE]]);
    return true;
  });
});
