import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** What a finished command printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runScript}. */
export interface RunOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this long the command is killed and the call fails (default 240,000). */
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

/**
 * Runs a command to its end, with nothing on its standard input.
 *
 * @returns what it printed, at most 256 MiB
 * @throws {Error} on an exit code other than 0, with the command and the end of what it said
 */
export function runScript(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Output> {
  const timeoutMs = options.timeoutMs ?? 240_000;
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      {
        env: { ...process.env, ...options.env },
        cwd: options.cwd,
        timeout: timeoutMs,
        maxBuffer: 256 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        // A command that ended well, but left a child behind that holds its output open, is no
        // error to execFile once the time is over.
        const timedOut = performance.now() - startedMs >= timeoutMs;
        if (error === null && !timedOut) return resolve({ stdout, stderr });
        const said = (stderr.trim() || stdout.trim()).slice(-4_000);
        const how = timedOut ? `was not over after ${timeoutMs} ms` : `failed (${error?.code})`;
        reject(new Error(`${command} ${args.join(' ')} ${how}: ${said}`, { cause: error }));
      },
    );
    child.stdin?.end();
  });
}

/**
 * Runs a command to its end and hands on each line of its output as it comes, however many there are.
 *
 * @throws {Error} as runScript does
 */
export async function runForLines(
  command: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly onLine: (line: string) => void },
): Promise<void> {
  const { timeoutMs, onLine } = options;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let said = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) onLine(line);
  const [code, signal] = await closed;
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (${signal ?? code}): ${said}`);
}

/** Is this port of the loopback free right now? */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
