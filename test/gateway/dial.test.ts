/** What is written to an upstream connection before it is open. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import type { ByteConnection } from '../../src/gateway/byte-connection.ts';
import { SYSTEM_RESOLVER } from '../../src/gateway/resolve-name.ts';
import { Upstream } from '../../src/gateway/upstream.ts';
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
  const caller = { secure: false, addresses: () => null };
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
