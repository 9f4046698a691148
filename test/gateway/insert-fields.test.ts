/** Fields that are inserted into requests: which, where, and that nothing else changes by a byte. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { InsertConfig } from '../../src/config/types.ts';
import { readRequestHead } from '../../src/framing/request-head.ts';
import { createInsertion } from '../../src/gateway/insert-fields.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  gatewayConfig,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';

const NONE = DEFAULTS.listener.insert;
const CALLER = { address: '192.0.2.7', proto: 'http' } as const;

/** The bytes of a request with what is inserted. */
function inserted(config: Partial<InsertConfig>, request: string, caller = CALLER): string {
  const bytes = Buffer.from(request, 'latin1');
  const head = readRequestHead(bytes, 0, request.indexOf('\r\n\r\n') + 4, '');
  if (typeof head === 'string') throw new Error(head);
  const insert = createInsertion({ ...NONE, ...config }, caller);
  return (insert?.(head, bytes, 'epoch.1') ?? bytes).toString('latin1');
}

const head = (...lines: string[]): string =>
  ['POST /x HTTP/1.1', 'hOST:  Api.example:8080 ', ...lines, 'x-a: \xe9', '', 'body\r\n\r\n'].join(
    '\r\n',
  );
const at = (lines: string[], end: string[]): string =>
  [
    'POST /x HTTP/1.1',
    'hOST:  Api.example:8080 ',
    ...lines,
    'x-a: \xe9',
    ...end,
    '',
    'body\r\n\r\n',
  ].join('\r\n');

describe('insertion', () => {
  it('is none while all is left', () => {
    expect(createInsertion(NONE, CALLER)).toBe(null);
  });

  it.each<[string, Partial<InsertConfig>, string[], string[], string[]]>([
    ['a list that is missing', { xForwardedFor: 'append' }, [], [], ['X-Forwarded-For: 192.0.2.7']],
    [
      'the last line of a list',
      { xForwardedFor: 'append' },
      ['X-forwarded-FOR: 1.1.1.1', 'x-forwarded-for:2.2.2.2, 3.3.3.3 '],
      ['X-forwarded-FOR: 1.1.1.1', 'x-forwarded-for:2.2.2.2, 3.3.3.3 , 192.0.2.7'],
      [],
    ],
    [
      'an empty list',
      { xForwardedFor: 'append' },
      ['X-Forwarded-For: '],
      ['X-Forwarded-For: 192.0.2.7'],
      [],
    ],
    [
      'in place of what a caller made up, wherever it stands',
      { xForwardedFor: 'replace' },
      ['X-Forwarded-For: 1.1.1.1', 'B: c', 'X-FORWARDED-FOR: 2.2.2.2', 'X-Forwarded-Fort: 5'],
      ['B: c', 'X-Forwarded-Fort: 5'],
      ['X-Forwarded-For: 192.0.2.7'],
    ],
    [
      'scheme and host where they are missing',
      { xForwardedProto: 'append', xForwardedHost: 'append' },
      ['X-Forwarded-Proto: https'],
      ['X-Forwarded-Proto: https'],
      ['X-Forwarded-Host: Api.example:8080'],
    ],
    [
      'Forwarded, as one element',
      { forwarded: 'append' },
      ['Forwarded: for=1.1.1.1'],
      ['Forwarded: for=1.1.1.1, for=192.0.2.7;host="Api.example:8080";proto=http'],
      [],
    ],
    [
      'no second request id',
      { requestId: 'append' },
      ['X-Request-ID: mine'],
      ['X-Request-ID: mine'],
      [],
    ],
    [
      'its own request id',
      { requestId: 'replace' },
      ['X-Request-ID: mine'],
      [],
      ['X-Request-Id: epoch.1'],
    ],
  ])('puts %s', (_, config, given, kept, end) => {
    expect(inserted(config, head(...given))).toBe(at(kept, end));
  });

  it('writes IPv6 as RFC 7239 wants it, and unknown for a Unix socket', () => {
    const six = { address: '2001:db8::1', proto: 'https' } as const;
    const both = { forwarded: 'replace', xForwardedFor: 'replace' } as const;
    const text = inserted(both, head(), six as never);
    expect(text).toContain(
      '\r\nForwarded: for="[2001:db8::1]";host="Api.example:8080";proto=https\r\n',
    );
    expect(text).toContain('\r\nX-Forwarded-For: 2001:db8::1\r\n');
    expect(inserted(both, head(), { ...CALLER, address: '' } as never)).toContain('for=unknown;');
  });

  const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  it.each([[TRACE], [TRACE.replace('00-', '01-')], [`${TRACE.replace('00-', 'cc-')}-more`]])(
    'continues the trace %s',
    (value) => {
      const given = head(`traceparent: ${value}`, 'tracestate: a=1');
      expect(inserted({ traceparent: 'append' }, given)).toBe(given);
    },
  );

  it.each([
    ['append', []],
    ['append', [`traceparent: ${TRACE.replace('4bf92', '4BF92')}`, 'tracestate: a=1']],
    ['append', ['traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01']],
    ['append', [`traceparent: ${TRACE}`, `traceparent: ${TRACE}`]],
    ['append', [`traceparent: ${TRACE}-more`]],
    ['append', [`traceparent: ff${TRACE.slice(2)}`]],
    ['replace', [`traceparent: ${TRACE}`, 'tracestate: a=1']],
  ] as const)('%s begins a new trace for %j', (mode, lines) => {
    const text = inserted({ traceparent: mode }, head(...lines));
    const [made, ...more] = text.match(/traceparent: .*/g) ?? [];
    expect(more).toEqual([]);
    expect(made).toMatch(/^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(text.replace(`${made}\r\n`, '')).toBe(head());
  });

  it('adds nothing empty to a request without Host', () => {
    const request = 'GET /x HTTP/1.0\r\n\r\n';
    expect(inserted({ xForwardedHost: 'append' }, request)).toBe(request);
    expect(inserted({ forwarded: 'append' }, request)).toContain(
      'Forwarded: for=192.0.2.7;proto=http\r\n',
    );
  });
});

describe('a gateway that inserts', () => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const POST =
    'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';

  async function rigWith(insert: Partial<InsertConfig>) {
    const origin = await startOrigin((socket, all) => {
      const ends = all.toString('latin1').split('\r\n0\r\n\r\n').length - 1;
      if (all.subarray(-5).equals(Buffer.from('0\r\n\r\n'))) socket.write(OK.repeat(ends));
    });
    const config = gatewayConfig('/unused', origin.port);
    const [listener] = config.listeners;
    if (listener === undefined) throw new Error('no listener');
    const listeners = [{ ...listener, insert: { ...NONE, ...insert } }];
    const rig = await startGateway(origin.port, {
      gateway: { ambiguous: 'reject' },
      config: { listeners },
    });
    return { origin, rig, mirror: await startMirror(rig) };
  }

  it.each([[[1e9]], [[1]], [[60, 3, 40]]])(
    'changes the heads alone, and mirrors what the incumbent was sent, cut by %j',
    async (cut) => {
      const { origin, rig, mirror } = await rigWith({
        requestId: 'replace',
        xForwardedFor: 'append',
      });
      const caller = await rawCaller(rig.port);
      await writePieces(caller.socket, Buffer.from(`\r\n${POST}${POST}`), cut);
      await untilReceived(caller, 2 * OK.length);
      const { epoch } = rig.status();
      const [first, second] = [1, 2].map((number) =>
        POST.replace(
          '\r\n\r\n',
          `\r\nX-Forwarded-For: 127.0.0.1\r\nX-Request-Id: ${epoch}.${number}\r\n\r\n`,
        ),
      );
      expect(origin.received[0]?.toString()).toBe(`\r\n${first}${second}`);
      await until('both are mirrored', () => mirror.frames.length === 2);
      expect(mirror.frames.map(({ request }) => request.toString())).toEqual([first, second]);
      await expectExchangesToBalance(rig, mirror);
    },
  );
});
