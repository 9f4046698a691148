/** Bytes through the gateway, both ways, and what the mirror gets of them. Cases as in docs. */
import { describe, expect, it } from 'vitest';
import { FLAG_CLOSE_DELIMITED } from '../../src/wire/messages.ts';
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

interface Case {
  readonly name: string;
  readonly request: string;
  readonly answer: string;
  /** Interim answers before it: relayed, not part of the copy. */
  readonly interim?: string;
  /** The origin ends after its answer. */
  readonly ends?: boolean;
  /** State it ends in; `offered` where not said. */
  readonly state?: string;
}

const GET = 'GET /ping HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong';

function post(body: string, fields = ''): string {
  return `POST /v1/score HTTP/1.1\r\nHost: h\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
function answer(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
function chunked(...chunks: string[]): string {
  return `${chunks.map((c) => `${c.length.toString(16)};x="y"\r\n${c}\r\n`).join('')}0\r\nT: v\r\n\r\n`;
}
const TE = 'Transfer-Encoding: chunked\r\n';
const LIMIT = 1024 * 1024;
const requestOf = (bytes: number) => {
  const bare = post('x'.repeat(1_000_000)).length - 1_000_000;
  return post('x'.repeat(bytes - bare));
};

const CASES: readonly Case[] = [
  { name: 'a JSON request and answer', request: post('{"a":1}'), answer: answer('{"score":0.5}') },
  { name: 'B-01 empty bodies', request: post(''), answer: answer('') },
  ...[1, 16_383, 16_384, 65_535, 65_536].map((size) => ({
    name: `B-01 bodies of ${size} bytes`,
    request: post('q'.repeat(size)),
    answer: answer('a'.repeat(size)),
  })),
  {
    name: 'B-01 a request of exactly the limit',
    request: requestOf(LIMIT),
    answer: answer('ok'),
  },
  {
    name: 'B-01 a request of a byte over the limit',
    request: requestOf(LIMIT + 1),
    answer: answer('ok'),
    state: 'shed(request_too_large)',
  },
  {
    name: 'B-01 an answer over the limit',
    request: post('x'),
    answer: answer('y'.repeat(LIMIT)),
    state: 'shed(answer_too_large)',
  },
  {
    name: 'B-01 chunked with extensions and trailers',
    request: `POST /v1/score HTTP/1.1\r\nHost: h\r\n${TE}\r\n${chunked('abc', 'd'.repeat(300))}`,
    answer: `HTTP/1.1 200 OK\r\n${TE}\r\n${chunked('{"a":', '1}')}`,
  },
  {
    name: 'B-01 a chunked answer over the limit',
    request: post('x'),
    answer: `HTTP/1.1 200 OK\r\n${TE}\r\n${chunked('z'.repeat(LIMIT))}`,
    state: 'shed(answer_too_large)',
  },
  {
    name: 'B-02 HEAD with a length',
    request: 'HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
  },
  { name: 'B-03 204', request: post('x'), answer: 'HTTP/1.1 204 No Content\r\n\r\n' },
  {
    name: 'B-03 304 with a length',
    request: GET,
    answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n',
  },
  { name: 'B-04 205', request: post('x'), answer: 'HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n' },
  {
    name: 'B-05 100, 103, then 200',
    request: post('x', 'Expect: 100-continue\r\n'),
    interim: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n',
    answer: answer('ok'),
  },
  {
    name: 'B-06 close-delimited',
    request: post('x'),
    answer: 'HTTP/1.1 200 OK\r\n\r\nuntil the end',
    ends: true,
  },
  {
    name: 'B-06 HTTP/1.0',
    request: 'POST /v1/score HTTP/1.0\r\nContent-Length: 1\r\n\r\nx',
    answer: 'HTTP/1.0 200 OK\r\n\r\nbody',
    ends: true,
  },
  {
    name: 'B-11 a gzip body is never decoded',
    request: post('\x1f\x8b\x08\x00\xff', 'Content-Encoding: gzip\r\n'),
    answer: answer('\x1f\x8b\x08\x00\xfe', 'Content-Encoding: gzip\r\n'),
  },
  {
    name: 'H-01 duplicates, mixed case, obs-text, empty values',
    request: post('x', 'X-A: 1\r\nx-a:\r\nX-A:  \xe9\xff \r\n'),
    answer: answer(
      'y',
      'Set-Cookie: a\r\nSET-cookie: b\r\nset-cookie: c\r\nServer: 1\r\nServer: 2\r\n',
    ),
  },
  {
    name: 'H-02 a custom reason',
    request: GET,
    answer: 'HTTP/1.1 200 Fine \xe9, thanks\r\nContent-Length: 0\r\n\r\n',
  },
  {
    name: 'H-02 an empty reason',
    request: GET,
    answer: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n',
  },
  { name: 'H-03 599', request: GET, answer: 'HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n' },
  {
    name: 'F-20 GET and DELETE with a body',
    request: 'DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc',
    answer: answer('ok'),
  },
  {
    name: 'an error of the incumbent',
    request: post('x'),
    answer: 'HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno',
  },
  {
    name: 'a foreign shadow mark',
    request: post('x', 'X-Understudy-Shadow: anything\r\n'),
    answer: answer('ok'),
    state: 'ineligible(foreign_mark)',
  },
  {
    name: 'a method that is not mirrored',
    request: 'PATCH /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx',
    answer: answer('ok'),
    state: 'ineligible(method)',
  },
];

const latin1 = (text: string) => Buffer.from(text, 'latin1');

async function exchangeThrough(sent: string, answered: string, cut: number[], ends: boolean) {
  const request = latin1(sent);
  const reply = latin1(answered);
  let answering = false;
  const origin = await startOrigin((socket, received) => {
    if (received.length < request.length || answering) return;
    answering = true;
    void writePieces(socket, reply, cut).then(() => ends && socket.end());
  });
  const rig = await startGateway(origin.port);
  const mirror = await startMirror(rig);
  const caller = await rawCaller(rig.port);
  await writePieces(caller.socket, request, cut);
  const received = await untilReceived(caller, reply.length);
  expect(received.equals(reply), 'the caller got the bytes of the incumbent').toBe(true);
  expect(origin.received[0]?.equals(request), 'the incumbent got the bytes of the caller').toBe(
    true,
  );
  if (ends) await until('the end is passed on', () => caller.closed() === 'end');
  const counts = await expectExchangesToBalance(rig, mirror);
  expect(rig.status().connections.opaque).toEqual({});
  caller.socket.destroy();
  await rig.gateway.drain();
  return { counts, mirror };
}

describe('a message through the gateway', () => {
  const small = CASES.filter((c) => c.request.length + c.answer.length < 5_000);

  it.each(CASES)('$name: unchanged, whole, and copied exactly', async (c) => {
    const answered = (c.interim ?? '') + c.answer;
    const { counts, mirror } = await exchangeThrough(c.request, answered, [1e9], c.ends ?? false);
    expect(counts).toEqual({ seen: 1, [c.state ?? 'offered']: 1 });
    if (c.state !== undefined) return;
    const frame = mirror.frames[0];
    expect(frame?.request.equals(latin1(c.request))).toBe(true);
    expect(frame?.answer.equals(latin1(c.answer))).toBe(true);
    expect(frame?.flags).toBe(c.ends ? FLAG_CLOSE_DELIMITED : 0);
    expect(frame?.startMs).toBeLessThanOrEqual(frame?.firstByteMs ?? 0);
    expect(frame?.firstByteMs).toBeLessThanOrEqual(frame?.endMs ?? 0);
  });

  it.each(small)('$name: the same in one-byte segments', async (c) => {
    const answered = (c.interim ?? '') + c.answer;
    const { counts, mirror } = await exchangeThrough(c.request, answered, [1], c.ends ?? false);
    expect(counts).toEqual({ seen: 1, [c.state ?? 'offered']: 1 });
    if (c.state === undefined) expect(mirror.frames[0]?.answer.equals(latin1(c.answer))).toBe(true);
  });

  it.each(CASES.filter((c) => !c.ends))(
    '$name: the same as second of three pipelined',
    async (c) => {
      const sent = GET + c.request + GET;
      const answered = `${OK}${c.interim ?? ''}${c.answer}${OK}`;
      const cut = [977, 3, 16_000, 1, 60_000];
      const { counts, mirror } = await exchangeThrough(sent, answered, cut, false);
      const offered = c.state === undefined ? 3 : 2;
      expect(counts.offered).toBe(offered);
      expect(mirror.frames.map((frame) => frame.request.toString('latin1'))).toEqual(
        c.state === undefined ? [GET, c.request, GET] : [GET, GET],
      );
      expect(mirror.frames.at(-1)?.answer.toString('latin1')).toBe(OK);
    },
  );
});
