/** What is written to an upstream connection before it is open. */
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/config/address.ts';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import type { Endpoint } from '../../src/config/types.ts';
import type { ByteConnection } from '../../src/gateway/byte-connection.ts';
import { Dial } from '../../src/gateway/dial.ts';
import { SYSTEM_RESOLVER } from '../../src/gateway/resolve-name.ts';
import { Upstream } from '../../src/gateway/upstream.ts';
import type { Attempt } from '../../src/gateway/upstream-tls.ts';
import { LogLines } from '../../src/telemetry/log-lines.ts';
import { until } from '../support/until.ts';
import { PLAIN_UPSTREAM, startOrigin } from './rig.ts';

/** Opens a connection and notes what the splice would be told, in order. */
function dialTo(port: number) {
  const told: string[] = [];
  let connection: ByteConnection | undefined;
  const upstream = new Upstream({
    listener: 'main',
    incumbent: { host: '127.0.0.1', port },
    upstream: PLAIN_UPSTREAM,
    gateway: DEFAULTS.gateway,
    resolver: SYSTEM_RESOLVER,
    log: new LogLines({ process: 'gw0', level: 'error' }),
  });
  const caller = { secure: false, addresses: null };
  const dial = upstream.open(caller, {
    onBytes: () => true,
    connected: (opened) => {
      connection = opened;
      told.push('connected');
    },
    drained: () => told.push('drained'),
    failed: ({ reason }) => told.push(reason),
  });
  return { dial, told, connection: () => connection };
}

describe('an upstream connection that is being made', () => {
  it('holds what is written, and writes it once, in order, with its end', async () => {
    const origin = await startOrigin(() => undefined);
    const { dial, told, connection } = dialTo(origin.port);
    expect(dial.write(Buffer.from('one '), () => told.push('one'))).toBe(true);
    dial.write(Buffer.from('two'), () => told.push('two'));
    expect(dial.writableLength).toBe(7);
    dial.end();
    await until('written', () => told.length === 3);
    expect(told).toEqual(['connected', 'one', 'two']);
    await until('ended', () => connection()?.destroyed === true);
    expect(origin.received.map(String)).toEqual(['one two']);
  });

  it('asks to stop at its limit, and to go on when it is open', async () => {
    const origin = await startOrigin(() => undefined);
    const { dial, told, connection } = dialTo(origin.port);
    expect(dial.write(Buffer.alloc(LIMITS.dialHeldBytes - 1))).toBe(true);
    expect(dial.write(Buffer.from('x'))).toBe(false);
    let drains = 0;
    await until('open', () => connection() !== undefined);
    connection()?.on('drain', () => {
      drains += 1;
    });
    await until('it may go on', () => told.includes('drained') || drains > 0);
    await until('arrived', () => origin.received[0]?.length === LIMITS.dialHeldBytes);
    connection()?.destroy();
  });

  it('is silent once it is destroyed', async () => {
    const origin = await startOrigin(() => undefined);
    const { dial, told } = dialTo(origin.port);
    dial.write(Buffer.from('never sent'));
    dial.destroy();
    const other = dialTo(origin.port);
    await until('a later one is open', () => other.told.includes('connected'));
    other.connection()?.destroy();
    expect(told).toEqual([]);
    expect(origin.received.every((bytes) => bytes.length === 0)).toBe(true);
  });
});

describe('several addresses', () => {
  const [first, second, third] = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));

  /** Addresses that do nothing, but for the one that opens. */
  function dialOver(opens: object | undefined, connectTimeoutMs: number) {
    const tried: string[] = [];
    const told: string[] = [];
    const failed: unknown[] = [];
    const started = performance.now();
    const connection = Object.assign(
      new Duplex({ write: (_, __, done) => done(), read: () => null }),
      {
        resetAndDestroy: () => undefined,
      },
    );
    const target = {
      connectTimeoutMs,
      whenResolved: () => false,
      addresses: {
        order: () => [first, second, third].filter((each) => each !== undefined),
        failed: (endpoint: unknown) => failed.push(endpoint),
        worked: () => told.push('worked'),
      },
      connect: (endpoint: Endpoint, _: unknown, __: unknown, { opened }: Attempt) => {
        tried.push(`${formatAddress(endpoint)} ${Math.round((performance.now() - started) / 50)}`);
        if (endpoint === opens) setTimeout(opened, 10);
        return connection;
      },
    };
    const dial = new Dial(target, null, {
      onBytes: () => true,
      connected: () => told.push('connected'),
      drained: () => undefined,
      failed: ({ code }) => told.push(code),
    });
    return { dial, tried, told, failed };
  }

  it('share the connect timeout: one that is silent leaves time for the next', async () => {
    const { dial, tried, told, failed } = dialOver(second, 900);
    dial.write(Buffer.from('x'));
    await until('open', () => told.length > 1);
    expect(told).toEqual(['worked', 'connected']);
    expect(tried[0]).toBe('a:1 0');
    expect(tried[1]).toMatch(/^b:1 ([6-9]|\d\d)$/);
    expect(failed).toEqual([first]);
  });

  it('end in a timeout together when all are silent', async () => {
    const { tried, told, failed } = dialOver(undefined, 300);
    const started = performance.now();
    await until('over', () => told.length > 0);
    expect(performance.now() - started).toBeGreaterThanOrEqual(295);
    expect(told).toEqual(['UND_INCUMBENT_TIMEOUT']);
    expect([tried.length, failed.length]).toEqual([3, 3]);
  });
});
