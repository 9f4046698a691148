import { existsSync, readdirSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import {
  readStatus,
  type StatusSource,
  sendCommand,
  serveStatus,
} from '../../src/telemetry/status-socket.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

async function serve(path: string, source: StatusSource) {
  const server = await serveStatus(path, source);
  onTestFinished(() => server.close());
  return server;
}

const unavailable = (reason: string) => ({
  code: 'UND_STATUS_UNAVAILABLE',
  details: { reason },
});

describe('a status socket', () => {
  it('answers one line of JSON, and leaves nothing but itself in the folder', async () => {
    const folder = tempFolder();
    const path = join(folder, 'gw0.sock');
    await serve(path, { status: () => ({ process: 'gateway', seen: 7 }) });
    expect(await readStatus(path)).toEqual({ process: 'gateway', seen: 7 });
    expect(readdirSync(folder)).toEqual(['gw0.sock']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('runs a command, and refuses unknown ones and what objects inherit', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    let stopped = 0;
    await serve(path, { status: () => ({}), commands: { stop: () => (stopped += 1) } });
    await sendCommand(path, 'stop');
    await until('stop', () => stopped === 1);
    await expect(sendCommand(path, 'toString')).rejects.toMatchObject(unavailable('broken'));
    await expect(sendCommand(path, 'start')).rejects.toMatchObject(unavailable('broken'));
    expect(stopped).toBe(1);
  });

  it('hands a command what stands behind its name, in whatever letters', async () => {
    const path = join(tempFolder(), 'mirror.sock');
    const told: string[] = [];
    await serve(path, {
      status: () => ({}),
      commands: { backup: (argument) => void told.push(argument) },
    });
    await sendCommand(path, 'backup 1 /mnt/Übung 試/🙂.db');
    await until('told', () => told.length === 1);
    expect(told).toEqual(['1 /mnt/Übung 試/🙂.db']);
  });

  it('goes over to a successor, and stays its own when the predecessor closes', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    const old = await serveStatus(path, { status: () => ({ life: 1 }) });
    await serve(path, { status: () => ({ life: 2 }) });
    expect(await readStatus(path)).toEqual({ life: 2 });
    await old.close();
    expect(existsSync(path)).toBe(true);
    expect(await readStatus(path)).toEqual({ life: 2 });
  });

  it('says absent where nobody serves, whether or not a name was left behind', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    await expect(readStatus(path)).rejects.toMatchObject(unavailable('absent'));
    const server = await serveStatus(path, { status: () => ({}) });
    await server.close();
    await expect(readStatus(path)).rejects.toMatchObject(unavailable('absent'));
  });

  it('carries an answer of several megabytes', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    const text = 'é'.repeat(3_000_000);
    await serve(path, { status: () => ({ text }) });
    expect(await readStatus(path)).toEqual({ text });
  });

  it('survives a status that throws or is over its limit', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    let status = (): unknown => {
      throw new Error('bug');
    };
    await serve(path, { status: () => status() });
    await expect(readStatus(path)).rejects.toMatchObject(unavailable('broken'));
    status = () => 'x'.repeat(LIMITS.statusBytes);
    await expect(readStatus(path)).rejects.toMatchObject(unavailable('broken'));
    status = () => undefined;
    await expect(readStatus(path)).rejects.toMatchObject(unavailable('broken'));
    status = () => ({ well: true });
    expect(await readStatus(path)).toEqual({ well: true });
  });
});

describe('a status socket with hostile readers', () => {
  it('ends one that says nothing, one that says too much, and one that does not read', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    await serve(path, { status: () => ({ text: 'x'.repeat(8_000_000) }) });
    const silent = connect(path);
    const chatty = connect(path);
    const deaf = connect(path);
    const ended = [silent, chatty, deaf].map(
      (socket) =>
        new Promise((resolve) =>
          socket.on('error', resolve).on('end', resolve).on('close', resolve),
        ),
    );
    silent.resume();
    chatty.resume().write('x'.repeat(LIMITS.statusRequestBytes + 1));
    deaf.pause().write('status\n');
    await Promise.all(ended.slice(0, 2));
    // The deaf one learns of its end as soon as it reads: fewer bytes than it asked for.
    await new Promise((resolve) => setTimeout(resolve, LIMITS.statusTimeoutMs + 100));
    let got = 0;
    deaf.on('data', (chunk) => {
      got += chunk.length;
    });
    deaf.resume();
    await ended[2];
    expect(got).toBeLessThan(8_000_000);
  });

  it('serves the next reader although all places are hoarded', async () => {
    const path = join(tempFolder(), 'gw0.sock');
    await serve(path, { status: () => ({ well: true }) });
    const hoard = Array.from({ length: LIMITS.statusReaders + 5 }, () =>
      connect(path).on('error', () => undefined),
    );
    onTestFinished(() => {
      for (const socket of hoard) socket.destroy();
    });
    await Promise.all(hoard.map((s) => new Promise((resolve) => s.on('connect', resolve))));
    expect(await readStatus(path, 500)).toEqual({ well: true });
  });
});

describe('readStatus with a hostile process', () => {
  async function listen(answer: string | null): Promise<string> {
    const path = join(tempFolder(), 'gw0.sock');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (answer !== null) socket.end(answer);
    }).listen(path);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.on('listening', resolve));
    return path;
  }

  it('gives up after its time on one that never answers', async () => {
    await expect(readStatus(await listen(null), 50)).rejects.toMatchObject(unavailable('timeout'));
  });

  it.each([
    ['nothing', ''],
    ['half an object', '{"a":'],
    ['a number', '7\n'],
    ['more than the limit', 'x'.repeat(LIMITS.statusBytes + 2)],
  ])('rejects %s', async (_, answer) => {
    await expect(readStatus(await listen(answer))).rejects.toMatchObject(unavailable('broken'));
  });
});
