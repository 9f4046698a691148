/** PROXY headers as bytes: what is read, what is refused, and that nothing in between is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import {
  type ConnectionAddresses,
  encodeProxyHeader,
  parseProxyHeader,
} from '../../src/gateway/proxy-protocol.ts';

const V2 = '\r\n\r\n\0\r\nQUIT\n';
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A v2 header with a body of any bytes. */
function v2(command: number, family: number, body: Buffer, length = body.length): Buffer {
  const fixed = Buffer.concat([
    bytesOf(V2),
    Buffer.from([command, family, length >> 8, length & 255]),
  ]);
  return Buffer.concat([fixed, body]);
}
const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0x00, 0x50]);
const IPV4_PAIR = {
  source: { host: '192.0.2.1', port: 8080 },
  destination: { host: '198.51.100.2', port: 80 },
};

describe('a header that is as specified', () => {
  const cases: [string, Buffer, ConnectionAddresses | null][] = [
    ['v1 of IPv4', bytesOf('PROXY TCP4 192.0.2.1 198.51.100.2 8080 80\r\n'), IPV4_PAIR],
    [
      'v1 of IPv6',
      bytesOf('PROXY TCP6 2001:db8::1 ::1 65535 0\r\n'),
      { source: { host: '2001:db8::1', port: 65535 }, destination: { host: '::1', port: 0 } },
    ],
    ['v1 unknown', bytesOf('PROXY UNKNOWN\r\n'), null],
    ['v2 of IPv4', v2(0x21, 0x11, IPV4), IPV4_PAIR],
    [
      'v2 of IPv6',
      v2(
        0x21,
        0x21,
        Buffer.concat([
          Buffer.alloc(15),
          Buffer.from([1]),
          Buffer.alloc(16, 0xfd),
          Buffer.from([0, 1, 0, 2]),
        ]),
      ),
      {
        source: { host: '0:0:0:0:0:0:0:1', port: 1 },
        destination: { host: 'fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd', port: 2 },
      },
    ],
    ['v2 of a Unix socket', v2(0x21, 0x31, Buffer.alloc(216, 1)), null],
    ['v2 of an unknown kind', v2(0x21, 0x00, Buffer.alloc(0)), null],
    ['v2 local, with anything behind', v2(0x20, 0x99, Buffer.from('anything')), null],
    [
      'v2 with TLVs',
      v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([1, 0, 2, 104, 50, 4, 0, 0])])),
      IPV4_PAIR,
    ],
  ];
  it.each(cases)('%s is read at any cut, and ends where it ends', (_, header, addresses) => {
    for (let at = 0; at < header.length; at++) {
      expect(parseProxyHeader(header.subarray(0, at)), `${at} bytes`).toEqual({ state: 'more' });
    }
    const whole = { state: 'whole', bytes: header.length, addresses };
    expect(parseProxyHeader(header)).toEqual(whole);
    for (const more of ['G', '\r\n', 'PROXY TCP4 ', V2, '\0'.repeat(300)]) {
      expect(parseProxyHeader(Buffer.concat([header, bytesOf(more)]))).toEqual(whole);
    }
  });

  it('of v1 has at most 107 bytes', () => {
    const line = (bytes: number) => bytesOf(`PROXY UNKNOWN ${'x'.repeat(bytes - 16)}\r\n`);
    expect(parseProxyHeader(line(107))).toMatchObject({ state: 'whole', bytes: 107 });
    expect(parseProxyHeader(line(108))).toMatchObject({ state: 'bad' });
    expect(parseProxyHeader(line(108).subarray(0, 107))).toMatchObject({ state: 'bad' });
  });
});

describe('a header that is not', () => {
  const tcp4 = (rest: string) => `PROXY TCP4 ${rest}`;
  const cases: [string, string | Buffer, string][] = [
    ['a request', 'GET / HTTP/1.1\r\n\r\n', 'no_header'],
    ['a TLS hello', '\x16\x03\x01\x02\x00', 'no_header'],
    ['lower case', 'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n', 'no_header'],
    ['no space', 'PROXYTCP4', 'no_header'],
    ['a line feed alone', tcp4('1.1.1.1 2.2.2.2 1 2\n'), 'malformed'],
    ['a carriage return alone', tcp4('1.1.1.1 2.2.2.2 1 2\rX'), 'malformed'],
    ['two spaces', tcp4(' 1.1.1.1 2.2.2.2 1 2\r\n'), 'malformed'],
    ['a tab', tcp4('1.1.1.1\t2.2.2.2 1 2\r\n'), 'malformed'],
    ['a space at the end', tcp4('1.1.1.1 2.2.2.2 1 2 \r\n'), 'malformed'],
    ['a missing port', tcp4('1.1.1.1 2.2.2.2 1\r\n'), 'malformed'],
    ['one field more', tcp4('1.1.1.1 2.2.2.2 1 2 3\r\n'), 'malformed'],
    ['a leading zero of an address', tcp4('01.1.1.1 2.2.2.2 1 2\r\n'), 'malformed'],
    ['an octet too large', tcp4('1.1.1.256 2.2.2.2 1 2\r\n'), 'malformed'],
    ['an address too short', tcp4('1.1.1 2.2.2.2 1 2\r\n'), 'malformed'],
    ['a leading zero of a port', tcp4('1.1.1.1 2.2.2.2 01 2\r\n'), 'malformed'],
    ['a port too large', tcp4('1.1.1.1 2.2.2.2 65536 2\r\n'), 'malformed'],
    ['a negative port', tcp4('1.1.1.1 2.2.2.2 -1 2\r\n'), 'malformed'],
    ['a port in hex', tcp4('1.1.1.1 2.2.2.2 0x1 2\r\n'), 'malformed'],
    ['a name for an address', tcp4('a.example 2.2.2.2 1 2\r\n'), 'malformed'],
    ['IPv6 as TCP4', tcp4('::1 ::1 1 2\r\n'), 'malformed'],
    ['IPv4 as TCP6', 'PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n', 'malformed'],
    ['a zone', 'PROXY TCP6 fe80::1%lo fe80::1 1 2\r\n', 'malformed'],
    ['a NUL', 'PROXY UNKNOWN \0\r\n', 'malformed'],
    ['a byte over 126', 'PROXY UNKNOWN \xa0\r\n', 'malformed'],
    ['another family', 'PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n', 'family'],
    ['a longer word', 'PROXY UNKNOWNS\r\n', 'family'],
    ['no family', 'PROXY \r\n', 'family'],
    ['no end of line', `PROXY TCP4 ${'1'.repeat(107)}`, 'too_long'],
    ['v2 of version 1', v2(0x11, 0x11, IPV4), 'malformed'],
    ['v2 of version 3', v2(0x31, 0x11, IPV4), 'malformed'],
    ['v2 with an unknown command', v2(0x22, 0x11, IPV4), 'malformed'],
    ['v2 of datagrams', v2(0x21, 0x12, IPV4), 'family'],
    ['v2 of an unknown family', v2(0x21, 0x41, IPV4), 'family'],
    ['v2 of an unknown transport', v2(0x21, 0x13, IPV4), 'family'],
    ['v2 too short for IPv4', v2(0x21, 0x11, IPV4.subarray(1)), 'malformed'],
    ['v2 too short for IPv6', v2(0x21, 0x21, Buffer.alloc(35)), 'malformed'],
    ['v2 too short for Unix', v2(0x21, 0x31, Buffer.alloc(215)), 'malformed'],
    ['v2 with half a TLV', v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([1, 0])])), 'malformed'],
    [
      'v2 with a TLV too long',
      v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([1, 0, 9, 0])])),
      'malformed',
    ],
    ['v2 longer than we read', v2(0x21, 0x11, IPV4, LIMITS.proxyHeaderBytes), 'too_long'],
    ['v2 as long as it can be', v2(0x21, 0x11, IPV4, 65_535), 'too_long'],
    ['a broken signature', `${V2.slice(0, 11)}\r!`, 'no_header'],
  ];

  it.each(cases)('%s: refused', (_, text, fault) => {
    const bytes = typeof text === 'string' ? bytesOf(text) : text;
    expect(parseProxyHeader(bytes)).toEqual({ state: 'bad', fault });
    // Once it is refused it stays refused, whatever comes; and it never was whole.
    for (let at = 0; at <= bytes.length; at++) {
      expect(parseProxyHeader(bytes.subarray(0, at)).state).not.toBe('whole');
    }
    const more = Buffer.concat([bytes, bytesOf('\r\n'.repeat(60))]);
    expect(parseProxyHeader(more).state).not.toBe('whole');
  });
});

describe('any bytes', () => {
  const host4 = fc.ipV4();
  const host6 = fc.ipV6();
  const port = fc.nat(65_535);
  const pair = fc
    .oneof(fc.tuple(host4, host4), fc.tuple(host6, host6), fc.tuple(host4, host6))
    .chain(([from, to]) =>
      fc.record({
        source: fc.record({ host: fc.constant(from), port }),
        destination: fc.record({ host: fc.constant(to), port }),
      }),
    );
  /** As Node itself writes an address. */
  const canonical = (host: string): string => {
    const url = host.includes(':') ? new URL(`http://[${host}]/`).hostname : host;
    return url.replace(/^\[|\]$/g, '');
  };

  it('that we write, we read as they were meant', () => {
    fc.assert(
      fc.property(
        pair,
        fc.constantFrom('v1', 'v2'),
        fc.uint8Array(),
        (addresses, version, rest) => {
          const header = encodeProxyHeader(version as 'v1' | 'v2', addresses);
          const read = parseProxyHeader(Buffer.concat([header, rest]));
          if (read.state !== 'whole' || read.addresses === null) throw new Error(read.state);
          expect(read.bytes).toBe(header.length);
          const mixed =
            addresses.source.host.includes(':') !== addresses.destination.host.includes(':');
          for (const end of ['source', 'destination'] as const) {
            const { host, port } = addresses[end];
            const wanted = mixed && !host.includes(':') ? `::ffff:${host}` : host;
            expect(read.addresses[end].port).toBe(port);
            const unmapped = wanted.replace(/^::ffff:(?=\d+\.)/, '');
            const isBothMapped = !mixed && unmapped !== wanted;
            expect(canonical(read.addresses[end].host)).toBe(
              canonical(isBothMapped ? unmapped : wanted),
            );
          }
        },
      ),
    );
  });

  it('give the same verdict however they are cut: once decided, more bytes change nothing', () => {
    const start = fc.constantFrom('PROXY ', 'PROXY TCP4 ', 'PROXY TCP6 ', V2, `${V2}\x21\x11`, '');
    const tail = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ maxLength: 60 }));
    fc.assert(
      fc.property(start, tail, (head, rest) => {
        const bytes = Buffer.concat([bytesOf(head), Buffer.from(rest as string)]);
        let decided: unknown = null;
        for (let at = 0; at <= bytes.length; at++) {
          const verdict = parseProxyHeader(bytes.subarray(0, at));
          if (decided !== null) expect(verdict).toEqual(decided);
          else if (verdict.state === 'whole') decided = verdict;
          else if (verdict.state === 'bad') decided = verdict;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of no known address are UNKNOWN, and of no kind', () => {
    expect(String(encodeProxyHeader('v1', null))).toBe('PROXY UNKNOWN\r\n');
    const header = encodeProxyHeader('v2', null);
    expect(parseProxyHeader(header)).toEqual({ state: 'whole', bytes: 16, addresses: null });
  });

  it('of IPv4 within IPv6 are IPv4', () => {
    const of = (host: string) => ({ host, port: 1 });
    const header = encodeProxyHeader('v1', {
      source: of('::ffff:192.0.2.1'),
      destination: of('::ffff:198.51.100.2'),
    });
    expect(String(header)).toBe('PROXY TCP4 192.0.2.1 198.51.100.2 1 1\r\n');
  });
});
