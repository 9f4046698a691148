/**
 * Tells when nobody reads standard output any more, without writing to it: `pairs --follow | head` shall end
 * with `head`, not with the next pair.
 */
import { spawn } from 'node:child_process';
import { fstatSync, writeSync } from 'node:fs';
import { LIMITS } from '../../config/defaults.ts';

const STDOUT = 1;
const NOTHING = Buffer.alloc(0);

/**
 * @param onGone - called once, or never where it cannot be told: then the next write meets EPIPE
 * @returns ends the watch
 */
export function watchReader(onGone: () => void): () => void {
  const controller = new AbortController();
  const gone = (): void => {
    if (!controller.signal.aborted) onGone();
    controller.abort();
  };
  process.stdout.once('error', gone).once('close', gone);
  const kind = fstatSync(STDOUT);
  if (kind.isFIFO()) watchPipe(gone, controller.signal);
  if (kind.isSocket()) watchSocket(gone, controller.signal);
  return () => controller.abort();
}

/**
 * A pipe says that its reader has left to poll(2) alone, which Node does not offer for a descriptor that is
 * only written. `tail -f` of GNU coreutils (8.28 and later) polls its output for just that, and ends.
 */
function watchPipe(onGone: () => void, signal: AbortSignal): void {
  const args = ['-f', `--pid=${process.pid}`, '/dev/null'];
  const tail = spawn('tail', args, { stdio: ['ignore', 'inherit', 'ignore'] });
  tail.on('error', () => undefined); // there is no tail here
  // Another tail ends with its usage, or never.
  tail.on('exit', (_code, reason) => {
    if (reason === 'SIGPIPE') onGone();
  });
  tail.unref();
  signal.addEventListener('abort', () => tail.kill());
}

/** A socket, as other programs hand it to a child, refuses even an empty write then. */
function watchSocket(onGone: () => void, signal: AbortSignal): void {
  const timer = setInterval(() => {
    try {
      writeSync(STDOUT, NOTHING);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EPIPE') onGone();
    }
  }, LIMITS.followPollMs);
  signal.addEventListener('abort', () => clearInterval(timer));
}
