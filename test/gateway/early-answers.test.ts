/** B-08 and E-02: an incumbent that answers before it has the whole request. */
import { describe, expect, it } from 'vitest';
import { FLAG_EARLY } from '../../src/wire/messages.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const NO = 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n';
const HEAD = 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n';
const EXPECTING = HEAD.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n');

describe.each(['relay', 'reject'] as const)('with ambiguous: %s', (ambiguous) => {
  async function start(first: string, answer: string) {
    const said = { first: false, second: false };
    const origin = await startOrigin((socket, received) => {
      const text = received.toString('latin1');
      if (text.length >= first.length && !said.first) {
        said.first = true;
        socket.write(answer);
      }
      if (text.endsWith(GET) && !said.second) {
        said.second = true;
        socket.write(OK);
      }
    });
    const rig = await startGateway(origin.port, { gateway: { ambiguous } });
    return { origin, rig, mirror: await startMirror(rig), caller: await rawCaller(rig.port) };
  }

  it.each([[[1e9]], [[1]]])('follows the body after an early answer, cut %j', async (cut) => {
    const { origin, rig, mirror, caller } = await start(HEAD, OK);
    await writePieces(caller.socket, Buffer.from(HEAD), cut);
    await untilReceived(caller, OK.length);
    await writePieces(caller.socket, Buffer.from(`hello${GET}`), cut);
    await untilReceived(caller, 2 * OK.length);
    expect(origin.received[0]?.toString()).toBe(`${HEAD}hello${GET}`);
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 2, offered: 2 });
    expect(mirror.frames.map((frame) => frame.request.toString())).toEqual([`${HEAD}hello`, GET]);
    expect(mirror.frames.map((frame) => frame.answer.toString())).toEqual([OK, OK]);
    expect((mirror.frames[0]?.flags ?? 0) & FLAG_EARLY).toBe(FLAG_EARLY);
  });

  it('does not guess what follows a refused expectation', async () => {
    const { origin, rig, mirror, caller } = await start(EXPECTING, NO);
    caller.socket.write(EXPECTING);
    await untilReceived(caller, NO.length);
    caller.socket.write(GET);
    if (ambiguous === 'relay') {
      await untilReceived(caller, NO.length + OK.length);
      expect(rig.status().connections.opaque).toEqual({ expect: 1 });
      expect(origin.received[0]?.toString()).toBe(EXPECTING + GET);
      caller.socket.destroy();
    } else {
      await until('closed', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(NO);
      expect(rig.status().connections.refused).toEqual({ expect: 1 });
      expect(origin.received[0]?.toString()).toBe(EXPECTING);
      caller.socket.end();
    }
    const state = ambiguous === 'relay' ? 'ineligible(opaque)' : 'refused(ambiguous)';
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, [state]: 1 });
    expect(mirror.frames).toEqual([]);
  });
});
