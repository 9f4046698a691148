/** Slow callers and incumbents: who is told what, when a connection has taken too long. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { type Flow, type Progress, TimeWatch } from '../../src/gateway/time-limits.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  rawCaller,
  startGateway,
  startOrigin,
  untilReceived,
} from './rig.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POST = 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n';
const EXPECTING =
  'POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n';

/** Answers each GET. */
const answering = () =>
  startOrigin((socket, received) => {
    if (received.toString('latin1').endsWith(GET)) socket.write(OK);
  });

describe('a caller that stays when its incumbent has ended early', () => {
  it.each(['', OK.slice(0, -1)])('has the time of an idle one (%j)', async (part) => {
    const origin = await startOrigin((socket) => void socket.end(part));
    const rig = await startGateway(origin.port, { gateway: { idleTimeoutMs: 200 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await until('the caller is ended', () => caller.closed() === 'end');
    await until('nothing is left', () => rig.status().connections.open === 0);
    expect(rig.status().connections.limited).toEqual({ idle: 1 });
    expect(await expectExchangesToBalance(rig)).toEqual({
      seen: 1,
      'incumbent_abort(truncated)': 1,
    });
  });
});

describe('a caller that is too slow', () => {
  it('is answered 408 when its head is not complete, also the second on its connection', async () => {
    const origin = await answering();
    const rig = await startGateway(origin.port, { gateway: { headTimeoutMs: 100 } });
    const first = await rawCaller(rig.port);
    first.socket.write('GET /x HT');
    const second = await rawCaller(rig.port);
    second.socket.write(GET);
    await untilReceived(second, OK.length);
    second.socket.write('GET /x HT');
    for (const caller of [first, second]) {
      await until('the caller is ended', () => caller.closed() === 'end');
      const text = caller.received().toString();
      expect(text).toMatch(/^(HTTP\/1.1 200 OK.*ok)?HTTP\/1.1 408 Request Timeout\r\n/s);
      expect(text).toContain('\r\nConnection: close\r\n');
      expect(text).toContain('UND_REQUEST_TIMEOUT');
    }
    await until('the incumbent is let go', () => origin.sockets.every((s) => s.destroyed));
    expect(rig.status().connections.limited).toEqual({ head: 2 });
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'shed(mirror_down)': 1 });
  });

  it('is answered 408 when its body is not complete, and the exchange is refused', async () => {
    const origin = await startOrigin(() => undefined);
    const rig = await startGateway(origin.port, { gateway: { bodyTimeoutMs: 100 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(`${POST}123`);
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 408 .*UND_REQUEST_TIMEOUT/s);
    expect(rig.status().connections.limited).toEqual({ body: 1 });
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'refused(body_timeout)': 1 });
  });

  it.each([
    ['an interim answer', EXPECTING, 'HTTP/1.1 100 Continue\r\n\r\n', 'client_abort(timeout)'],
    ['a whole early answer', `${POST}1`, OK, 'client_abort(timeout)'],
  ])('is reset, and told nothing, after %s', async (_, request, answer, state) => {
    const origin = await startOrigin((socket, all) => {
      if (all.length === request.length) socket.write(answer);
    });
    const rig = await startGateway(origin.port, { gateway: { bodyTimeoutMs: 100 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(request);
    await until('reset', () => caller.closed() === 'ECONNRESET');
    expect(caller.received().toString()).toBe(answer);
    await until('the incumbent is reset', () => origin.sockets[0]?.destroyed === true);
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, [state]: 1 });
  });

  it('is answered 408 also where it waits for 100 and the incumbent has no limit: not for ever', async () => {
    const origin = await startOrigin(() => undefined);
    const rig = await startGateway(origin.port, { gateway: { bodyTimeoutMs: 100 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(EXPECTING);
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 408 .*UND_REQUEST_TIMEOUT/s);
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'refused(body_timeout)': 1 });
  });

  it('is not cut off while an earlier answer is owed', async () => {
    let answer: (() => void) | undefined;
    const origin = await startOrigin((socket, all) => {
      if (all.length > GET.length) answer = () => socket.write(OK);
    });
    const limits = { headTimeoutMs: 100, idleTimeoutMs: 100, bodyTimeoutMs: 100 };
    const rig = await startGateway(origin.port, { gateway: limits });
    const caller = await rawCaller(rig.port);
    const head = await rawCaller(rig.port);
    head.socket.write('GET /x');
    caller.socket.write(`${GET}GET /x`);
    // By then two looks have been: the other connection has met its limit.
    await until('the other is ended', () => head.closed() === 'end');
    expect(caller.closed()).toBe('');
    answer?.();
    await untilReceived(caller, OK.length);
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 200 .*okHTTP\/1.1 408 /s);
  });

  it('is reset when it takes nothing of its answer', async () => {
    const origin = await startOrigin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n');
      socket.write(Buffer.alloc(33_554_432));
    });
    const rig = await startGateway(origin.port, { gateway: { slowReaderTimeoutMs: 500 } });
    const caller = await rawCaller(rig.port);
    caller.socket.pause();
    caller.socket.write(GET);
    await until('the limit has bitten', () => rig.status().connections.limited.reader === 1);
    await until('it is forgotten', () => rig.status().connections.open === 0);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'shed(answer_too_large)': 1 });
  });
});

describe('an incumbent that says nothing to Expect: 100-continue (RFC 9110, 10.1.1)', () => {
  const LIMITS = { bodyTimeoutMs: 100, answerTimeoutMs: 1_200 };

  it('is the slow one: the body has no limit yet, and the caller is answered 504', async () => {
    const origin = await startOrigin(() => undefined);
    const rig = await startGateway(origin.port, { gateway: LIMITS });
    const caller = await rawCaller(rig.port);
    const late = await rawCaller(rig.port);
    caller.socket.write(EXPECTING);
    // A byte of the body: this one waits no more.
    late.socket.write(`${EXPECTING}1`);
    await until('a slow body is ended', () => late.closed() === 'end');
    expect(late.received().toString()).toMatch(/^HTTP\/1.1 408 /);
    expect(caller.closed()).toBe('');
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 504 .*UND_INCUMBENT_SLOW/s);
    expect(rig.status().connections.limited).toEqual({ body: 1, answer: 1 });
    expect(await expectExchangesToBalance(rig)).toEqual({
      seen: 2,
      'refused(body_timeout)': 1,
      'incumbent_abort(timeout)': 1,
    });
  });

  it('and is taken at its word when it says 100: from then on the body has its time', async () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
    const origin = await startOrigin((socket, all) => {
      if (all.length === EXPECTING.length) socket.write(interim);
    });
    const rig = await startGateway(origin.port, { gateway: LIMITS });
    const caller = await rawCaller(rig.port);
    caller.socket.write(EXPECTING);
    await until('reset', () => caller.closed() === 'ECONNRESET');
    expect(caller.received().toString()).toBe(interim);
    expect(rig.status().connections.limited).toEqual({ body: 1 });
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'client_abort(timeout)': 1 });
  });
});

describe('a connection without an exchange', () => {
  it('is ended after its time, whether or not it has had one', async () => {
    const origin = await answering();
    const rig = await startGateway(origin.port, { gateway: { idleTimeoutMs: 200 } });
    const callers = [await rawCaller(rig.port), await rawCaller(rig.port)];
    callers[1]?.socket.write(GET);
    for (const caller of callers) {
      await until('the caller is ended', () => caller.closed() === 'end');
      caller.socket.end();
    }
    expect(callers[1]?.received().toString()).toBe(OK);
    await until('both are forgotten', () => rig.status().connections.open === 0);
    expect(rig.status().connections.limited).toEqual({ idle: 2 });
  });

  it('is ended when it is opaque and silent', async () => {
    const origin = await startOrigin((socket) => void socket.write('?'));
    const rig = await startGateway(origin.port, { gateway: { tunnelTimeoutMs: 200 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write('\x16\x03\x01');
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe('?');
    expect(rig.status().connections.limited).toEqual({ tunnel: 1 });
  });
});

describe('an incumbent that does not answer', () => {
  it('is answered for with 504 after answerTimeoutMs, and let go', async () => {
    const origin = await startOrigin(() => undefined);
    const rig = await startGateway(origin.port, { gateway: { answerTimeoutMs: 100 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 504 .*UND_INCUMBENT_SLOW/s);
    await until('the incumbent is let go', () => origin.sockets[0]?.destroyed === true);
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'incumbent_abort(timeout)': 1 });
  });

  it('has the caller reset once a byte of its answer has come', async () => {
    const origin = await startOrigin((socket) => void socket.write('HTTP/1.1 20'));
    const rig = await startGateway(origin.port, { gateway: { answerTimeoutMs: 100 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await until('reset', () => caller.closed() === 'ECONNRESET');
    expect(caller.received().toString()).toBe('HTTP/1.1 20');
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, 'incumbent_abort(timeout)': 1 });
  });
});

describe('TimeWatch', () => {
  const IDLE: Progress = {
    open: 0,
    bodyPartial: false,
    awaitsContinue: false,
    partialBytes: 0,
    requests: 0,
    answers: 0,
    answering: false,
  };
  const STILL: Flow = { headPartial: false, lastByteMs: 0, upstreamBytes: 0, downstreamBytes: 0 };
  const { gateway: limits } = DEFAULTS;

  /** Looks each second; @returns the second at which a limit was passed, and which */
  function passedAt(at: (second: number) => [Progress | null, Flow], seconds = 20_000): string {
    const watch = new TimeWatch();
    for (let second = 1; second <= seconds; second++) {
      const [progress, flow] = at(second);
      const limit = watch.look(second * 1_000, progress, flow, limits);
      if (limit !== '') return `${limit} ${second}`;
    }
    return '';
  }

  it('gives each phase its own time', () => {
    const body = { ...IDLE, open: 1, bodyPartial: true, requests: 1 };
    expect(passedAt(() => [{ ...IDLE, requests: 1 }, STILL])).toBe('idle 900');
    // Nothing was asked on it yet.
    expect(passedAt(() => [IDLE, STILL])).toBe('idle 30');
    expect(passedAt(() => [IDLE, { ...STILL, headPartial: true }])).toBe('head 31');
    expect(passedAt(() => [body, STILL])).toBe('body 61');
    // No limit for the incumbent by default: who waits for 100 has that of a body.
    expect(passedAt(() => [{ ...body, awaitsContinue: true }, STILL])).toBe('body 61');
    expect(passedAt(() => [null, STILL])).toBe('tunnel 3600');
    expect(passedAt(() => [{ ...IDLE, open: 1 }, STILL])).toBe('');
    const reading = { ...IDLE, open: 1, answering: true };
    expect(passedAt(() => [reading, STILL])).toBe('');
    expect(passedAt(() => [reading, { ...STILL, downstreamBytes: 5 }])).toBe('reader 121');
    // The incumbent has given all of it, the caller has not taken it.
    expect(passedAt(() => [IDLE, { ...STILL, downstreamBytes: 5 }])).toBe('reader 121');
  });

  it('begins anew with each request, and with each byte that a slow reader takes', () => {
    const heads = (second: number): [Progress, Flow] => [
      { ...IDLE, requests: second },
      { ...STILL, headPartial: true },
    ];
    expect(passedAt(heads)).toBe('');
    const reading = { ...IDLE, open: 1, answering: true };
    expect(passedAt((s) => [reading, { ...STILL, downstreamBytes: 1 + (s % 100) }])).toBe('');
  });

  it('lets a body take a second more for each 500 bytes, and no fewer', () => {
    const bodyAt =
      (rate: number) =>
      (second: number): [Progress, Flow] => [
        { ...IDLE, open: 1, bodyPartial: true, requests: 1, partialBytes: second * rate },
        STILL,
      ];
    expect(passedAt(bodyAt(501))).toBe('');
    expect(passedAt(bodyAt(250))).toMatch(/^body 12[0-3]$/);
  });

  it('does not charge a caller for an incumbent that does not read', () => {
    const body = { ...IDLE, open: 1, bodyPartial: true, requests: 1 };
    const waits =
      (until: number) =>
      (second: number): [Progress, Flow] => [
        body,
        { ...STILL, upstreamBytes: second < until ? 70_000 : 0 },
      ];
    expect(passedAt(waits(20_001))).toBe('');
    expect(passedAt(waits(1_000))).toMatch(/^body 10(59|60)$/);
  });
});
