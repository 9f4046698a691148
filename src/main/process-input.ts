/**
 * What the supervisor tells a process at its start. It travels on standard input, written once and
 * ended, so that no secret stands in the arguments or the environment, and no channel stays open.
 * Needs no package: the gateway reads it, too.
 */
import { readFileSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';

/** Standard input of each process, as JSON. */
export interface ProcessInput {
  readonly config: Config;
  /** Name of the process: `gw0`, `mirror`, `admin`, `model-NAME`. */
  readonly name: string;
  /** Version of Understudy, as in its package.json. */
  readonly version: string;
  /**
   * Of a gateway: the descriptors of each listener, in order; one socket has several. Missing: one each, from
   * {@link FIRST_LISTENER_FD} on.
   */
  readonly listeners?: readonly (readonly number[])[];
}

/**
 * Exit code of a gateway that cannot listen on the socket it was given, because another process listens on
 * that address: a socket can be bound beside another one that does not listen yet.
 */
export const EXIT_ADDRESS_TAKEN = 98;

/** Tells a gateway to drain while others of its instance go on; SIGTERM: the instance ends. */
export const LEAVE_SIGNAL = 'SIGUSR2';

/** First descriptor of the listening sockets: one a listener, in order, then health where there is one. */
export const FIRST_LISTENER_FD = 3;

/**
 * What a gateway gets: each socket once, then each listener's again for its other handles. An event loop has one
 * handle a descriptor, and Node cannot duplicate one by itself.
 *
 * @param sockets - of the listeners, in order, then others
 * @returns the sockets to hand down as {@link FIRST_LISTENER_FD} and the next, and what they are for
 */
export function handDown<T>(
  sockets: readonly T[],
  listeners: number,
): { readonly fds: T[]; readonly listeners: number[][] } {
  const again = Array.from({ length: LIMITS.listenHandles - 1 }, () => sockets.slice(0, listeners));
  const others = Array.from({ length: listeners }, (_, index) =>
    again.map((_, round) => FIRST_LISTENER_FD + sockets.length + round * listeners + index),
  );
  return {
    fds: [...sockets, ...again.flat()],
    listeners: others.map((more, index) => [FIRST_LISTENER_FD + index, ...more]),
  };
}

/**
 * Reads standard input to its end and parses it. Called once, first thing in a process; it blocks until
 * the supervisor has ended the pipe, which it does at once.
 *
 * @throws {Error} when standard input is not the supervisor's JSON: the process was started by hand
 */
export function readProcessInput(): ProcessInput {
  return parseProcessInput(readFileSync(0, 'utf8'));
}

/** The checks behind `readProcessInput`. The configuration itself was checked by who wrote it. */
export function parseProcessInput(text: string): ProcessInput {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (cause) {
    throw new Error('this process is started by the supervisor: run "understudy serve"', { cause });
  }
  if (!isProcessInput(input)) {
    throw new Error('the input of this process lacks config, name or version');
  }
  return input;
}

function isProcessInput(input: unknown): input is ProcessInput {
  if (typeof input !== 'object' || input === null) return false;
  if (!('config' in input && 'name' in input && 'version' in input)) return false;
  const { config, name, version } = input;
  return (
    typeof config === 'object' &&
    config !== null &&
    typeof name === 'string' &&
    typeof version === 'string'
  );
}
