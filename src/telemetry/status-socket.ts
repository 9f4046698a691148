/**
 * Status of a process for any reader on the machine, over a Unix socket. The reader sends one line, UTF-8,
 * `status` or the name of a command; it gets one line of JSON, and the connection ends.
 *
 * Invariants: a reader holds at most one answer (LIMITS.statusBytes), at most LIMITS.statusTimeoutMs long;
 * of LIMITS.statusReaders readers the oldest gives way to the next, so that nobody who hoards connections
 * can keep a supervisor out; nothing that a reader does throws here.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, renameSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { toPrintableJson } from './printable-json.ts';

export interface StatusSource {
  /** What `status` answers; must be JSON. */
  readonly status: () => unknown;
  /**
   * Called after the answer `{"ok":true}` has been handed to the kernel, with what stood behind the name and
   * a space.
   */
  readonly commands?: Readonly<Record<string, (argument: string) => void>>;
}

export interface StatusServer {
  /** Stops listening and ends all readers. The socket's name stays: it may be a successor's by now. */
  close(): Promise<void>;
}

/**
 * Serves under `path`, mode 0600. Binds a name beside it and renames: a replacement takes the name over
 * while the old process still lives, and there is no moment without a socket.
 *
 * @param path - absolute, at most LIMITS.socketPathBytes long, its last part at least 8 bytes
 * @throws {UnderstudyError} `UND_STATUS_SOCKET` when it cannot be bound
 */
export async function serveStatus(path: string, source: StatusSource): Promise<StatusServer> {
  const readers = new Set<Socket>();
  const server = createServer((socket) => {
    const oldest = readers.values().next().value;
    if (readers.size >= LIMITS.statusReaders) oldest?.destroy();
    readers.add(socket);
    socket.on('close', () => readers.delete(socket));
    serveReader(socket, source);
  });
  try {
    await bindByRename(server, path);
  } catch (cause) {
    server.close();
    throw new UnderstudyError('UND_STATUS_SOCKET', `Cannot serve ${path}.`, { cause });
  }
  server.on('error', () => undefined); // EMFILE on accept: the reader tries again
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of readers) socket.destroy();
      }),
  };
}

async function bindByRename(server: Server, path: string): Promise<void> {
  // 8 bytes, as `gw0.sock` has: the draft's path is never the longer one.
  const draft = join(dirname(path), `.${randomBytes(4).toString('hex').slice(0, 7)}`);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(draft, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}

function serveReader(socket: Socket, source: StatusSource): void {
  let line = '';
  socket.setEncoding('utf8');
  const deadline = setTimeout(() => socket.destroy(), LIMITS.statusTimeoutMs).unref();
  socket.on('close', () => clearTimeout(deadline));
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    line += text;
    if (socket.bytesRead > LIMITS.statusRequestBytes) socket.destroy();
    else if (line.includes('\n')) {
      socket.removeAllListeners('data').resume();
      answer(socket, line.slice(0, line.indexOf('\n')), source);
    }
  });
}

function answer(socket: Socket, request: string, source: StatusSource): void {
  if (request === 'status') {
    socket.end(statusLine(source));
    return;
  }
  const { commands = {} } = source;
  const [name = '', argument = ''] = request.split(/ (.*)/s, 2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    socket.end('{"error":"unknown command"}\n');
    return;
  }
  socket.end('{"ok":true}\n');
  command(argument);
}

function statusLine(source: StatusSource): string {
  try {
    const text = toPrintableJson(source.status());
    return text.length <= LIMITS.statusBytes ? `${text}\n` : '{"error":"status over its limit"}\n';
  } catch {
    return '{"error":"status failed"}\n';
  }
}

/**
 * Asks a process for its status.
 *
 * @param path - its socket
 * @param timeoutMs - from here to the last byte
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE`, `details.reason`: `absent` (no such process),
 * `timeout` (it does not answer), `broken` (what it says cannot be read)
 */
export async function readStatus<T>(
  path: string,
  timeoutMs: number = LIMITS.statusTimeoutMs,
): Promise<T> {
  return (await ask(path, 'status', timeoutMs)) as T;
}

/** Sends a command such as `stop`; resolves when the process has taken it. Errors as in `readStatus`. */
export async function sendCommand(
  path: string,
  command: string,
  timeoutMs: number = LIMITS.statusTimeoutMs,
): Promise<void> {
  await ask(path, command, timeoutMs);
}

async function ask(path: string, request: string, timeoutMs: number): Promise<object> {
  const text = await exchangeLine(path, request, timeoutMs);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unavailable(path, 'broken', cause);
  }
  if (typeof value !== 'object' || value === null) throw unavailable(path, 'broken');
  if ('error' in value && Object.keys(value).length === 1) {
    throw unavailable(path, 'broken', value.error);
  }
  return value;
}

function exchangeLine(path: string, request: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect(path);
    const fail = (reason: 'absent' | 'timeout' | 'broken', cause?: unknown): void => {
      clearTimeout(deadline);
      socket.destroy();
      reject(unavailable(path, reason, cause));
    };
    const deadline = setTimeout(() => fail('timeout'), timeoutMs);
    socket.on('connect', () => socket.write(`${request}\n`));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      fail(absent ? 'absent' : 'broken', error);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > LIMITS.statusBytes + 1) fail('broken');
    });
    socket.on('end', () => {
      clearTimeout(deadline);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    socket.on('close', () => fail('broken'));
  });
}

function unavailable(path: string, reason: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError('UND_STATUS_UNAVAILABLE', `No status from ${path} (${reason}).`, {
    cause,
    details: { reason },
  });
}
