/** `gateway.ambiguous: reject`: what goes on, what the caller is told, and how the books end. */
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  type OriginScript,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BOTH =
  'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNKED = 'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
const BODY =
  '{"type":"about:blank","title":"Bad Request","status":400,' +
  '"detail":"The request cannot be framed without doubt, and such are refused here.",' +
  '"code":"UND_REQUEST_AMBIGUOUS"}\n';
/** The bytes of the gateway, exactly. */
const REFUSAL =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n' +
  `Content-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`;
const CUTS = [[1e9], [1], [7, 2, 60]];

/** Answers each whole `GET`, when told to. */
function answering(ready: () => boolean = () => true): OriginScript {
  let answered = 0;
  return (socket, received) => {
    const answer = (): void => {
      if (!ready()) {
        setTimeout(answer, 5);
        return;
      }
      for (; answered < received.toString('latin1').split(GET).length - 1; answered++) {
        socket.write(OK);
      }
    };
    answer();
  };
}

async function start(script: OriginScript = answering()) {
  const origin = await startOrigin(script);
  const rig = await startGateway(origin.port, { gateway: { ambiguous: 'reject' } });
  return { origin, rig, mirror: await startMirror(rig), caller: await rawCaller(rig.port) };
}

const sent = (origin: { readonly received: readonly Buffer[] }) =>
  origin.received.map((bytes) => bytes.toString('latin1')).join('|');

describe('a request in doubt, with reject', () => {
  it.each([
    ['CL and TE', BOTH, REFUSAL, 'length_conflict'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: h\n\n', REFUSAL, 'request_line'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', REFUSAL, 'http2_preface'],
    [
      'a HEAD',
      'HEAD / HTTP/1.1\r\n\r\n',
      REFUSAL.slice(0, REFUSAL.indexOf('\r\n\r\n') + 4),
      'host',
    ],
  ])('%s as the first: 400, and no byte of it goes on', async (_, raw, answer, reason) => {
    for (const cut of CUTS) {
      const { origin, rig, mirror, caller } = await start();
      await writePieces(caller.socket, Buffer.from(raw + GET), cut);
      await until('closed', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(answer);
      expect(sent(origin)).toBe('');
      caller.socket.end();
      const counts = await expectExchangesToBalance(rig, mirror);
      expect(counts).toEqual({ seen: 1, 'refused(ambiguous)': 1 });
      expect(rig.status().connections).toMatchObject({ refused: { [reason]: 1 }, opaque: {} });
    }
  });

  it('lets what is clear before it be answered and mirrored, and then says 400', async () => {
    for (const cut of CUTS) {
      let ready = false;
      const { origin, rig, mirror, caller } = await start(answering(() => ready));
      await writePieces(caller.socket, Buffer.from(GET + GET + BOTH + GET), cut);
      await until('the clear ones have gone on', () => sent(origin) === GET + GET);
      expect(caller.received()).toHaveLength(0);
      ready = true;
      await until('closed', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(OK + OK + REFUSAL);
      expect(sent(origin)).toBe(GET + GET);
      caller.socket.end();
      const counts = await expectExchangesToBalance(rig, mirror);
      expect(counts).toEqual({ seen: 3, offered: 2, 'refused(ambiguous)': 1 });
    }
  });

  it('says 400 where all before it was answered', async () => {
    const { origin, rig, mirror, caller } = await start();
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    caller.socket.write(BOTH);
    await until('closed', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK + REFUSAL);
    expect(sent(origin)).toBe(GET);
    caller.socket.end();
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 2, offered: 1, 'refused(ambiguous)': 1 });
  });

  it('ends the upstream with a reset where the doubt is in a body that has begun', async () => {
    const { origin, rig, mirror, caller } = await start();
    await writePieces(caller.socket, Buffer.from(`${CHUNKED}2\r\nab\r\n`), [1e9]);
    await until('the head has gone on', () => sent(origin).length > CHUNKED.length);
    let reset = '';
    origin.sockets[0]?.on('error', (error) => {
      reset = String(Reflect.get(error, 'code'));
    });
    caller.socket.write(`0x\r\n${GET}`);
    await until('closed', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(REFUSAL);
    await until('the incumbent is reset', () => reset === 'ECONNRESET');
    expect(sent(origin)).toBe(`${CHUNKED}2\r\nab\r\n`);
    caller.socket.end();
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'refused(ambiguous)': 1 });
  });

  it('says nothing where the request was answered before the doubt came', async () => {
    const { rig, mirror, caller } = await start((socket, received) => {
      if (received.includes('ab\r\n')) socket.write(OK);
    });
    caller.socket.write(`${CHUNKED}2\r\nab\r\n`);
    await untilReceived(caller, OK.length);
    caller.socket.write('x\r\n');
    await until('closed', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK);
    caller.socket.end();
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'refused(ambiguous)': 1 });
  });

  it('resets a caller whose answer has begun', async () => {
    const { rig, mirror, caller } = await start((socket, received) => {
      if (received.includes('ab\r\n')) socket.write(OK.slice(0, -1));
    });
    caller.socket.write(`${CHUNKED}2\r\nab\r\n`);
    await untilReceived(caller, OK.length - 1);
    caller.socket.write('x\r\n');
    await until('reset', () => caller.closed() === 'ECONNRESET');
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'refused(ambiguous)': 1 });
  });
});

describe('valid traffic, with reject', () => {
  it('is passed on to the byte and mirrored', async () => {
    const post = `\r\n${CHUNKED}5;a="b"\r\nhello\r\n0\r\nT: v\r\n\r\n`;
    for (const cut of CUTS) {
      const { origin, rig, mirror, caller } = await start((socket, received) => {
        if (received.length === GET.length + post.length) socket.write(OK + OK);
      });
      await writePieces(caller.socket, Buffer.from(GET + post), cut);
      await untilReceived(caller, 2 * OK.length);
      expect(sent(origin)).toBe(GET + post);
      expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 2, offered: 2 });
      expect(mirror.frames.map((frame) => frame.request.toString())).toEqual([GET, post.slice(2)]);
      expect(mirror.frames.every((frame) => frame.startMs <= frame.firstByteMs)).toBe(true);
    }
  });

  it('relays an upgrade that the incumbent takes', async () => {
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
    const switching = 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n';
    const { origin, rig, caller } = await start((socket, received) => {
      if (received.length === upgrade.length) socket.write(switching);
      else if (received.length > upgrade.length) socket.write('pong');
    });
    caller.socket.write(`${upgrade}early`);
    await untilReceived(caller, switching.length + 4);
    caller.socket.write('late');
    await until('all has gone on', () => sent(origin) === `${upgrade}earlylate`);
    caller.socket.end();
    await until('over', () => caller.closed() === 'end');
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'ineligible(upgrade)': 1 });
  });

  it('passes on what waited behind an upgrade of a caller that has ended', async () => {
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
    let answers = 0;
    const { origin, rig, mirror, caller } = await start((socket, received) => {
      if (answers === 0) setTimeout(() => socket.write(OK), 50);
      else if (received.length === (upgrade + GET).length) socket.write(OK);
      answers += 1;
    });
    caller.socket.end(upgrade + GET);
    await until('over', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK + OK);
    expect(sent(origin)).toBe(upgrade + GET);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 2, offered: 1, 'ineligible(upgrade)': 1 });
  });

  it('passes on no further request once an answer is in doubt', async () => {
    const doubtful = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok';
    const { origin, caller } = await start((socket) => socket.write(doubtful));
    caller.socket.write(GET);
    await untilReceived(caller, doubtful.length);
    caller.socket.write(GET);
    await until('closed', () => caller.closed() !== '');
    expect(caller.received().toString()).toBe(doubtful);
    expect(sent(origin)).toBe(GET);
  });
});
