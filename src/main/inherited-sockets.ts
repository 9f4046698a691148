/**
 * Listening sockets from a service manager, as sd_listen_fds(3) describes it: LISTEN_FDS of them from
 * descriptor 3 on, LISTEN_PID the process they are for, LISTEN_FDNAMES their names. They outlive the
 * supervisor: who connects while it is started again waits in the kernel's queue.
 */
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { formatAddress } from '../config/address.ts';
import type { Config, Endpoint } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import type { Log } from '../telemetry/log-lines.ts';
import type { ListeningSocket } from './listening-sockets.ts';

const FIRST_FD = 3;
const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'] as const;

interface Wanted {
  readonly name: string;
  readonly address: Endpoint;
}

/**
 * Takes what was handed over, and the variables out of the environment.
 *
 * Sockets are matched by name where their names are those of listeners (`health` is the health listener's),
 * by their order otherwise. Listeners without a socket are bound as always.
 *
 * @param env - LISTEN_FDS and its kin are removed from it: they are not meant for children
 * @throws {UnderstudyError} `UND_LISTEN_FAILED` more sockets than listeners, a name that is none of them, a
 *   descriptor that is no socket
 */
export function takeInheritedSockets(
  config: Pick<Config, 'listeners' | 'gateway'>,
  env: Record<string, string | undefined>,
  log: Pick<Log, 'warn' | 'info'>,
): ListeningSocket[] {
  const { LISTEN_FDS = '', LISTEN_PID = '', LISTEN_FDNAMES = '' } = env;
  for (const name of VARIABLES) delete env[name];
  const count = Number(LISTEN_FDS);
  if (LISTEN_FDS === '' || !Number.isInteger(count) || count <= 0) return [];
  if (LISTEN_PID !== String(process.pid)) {
    log.warn(
      'sockets of the service manager are for another process: start Node itself, no script',
      {
        listenPid: LISTEN_PID,
      },
    );
    return [];
  }
  const names = LISTEN_FDNAMES === '' ? [] : LISTEN_FDNAMES.split(':');
  const matched = match(wantedOf(config), count, names);
  return matched.map(({ name, address }, index) => take(FIRST_FD + index, name, address, log));
}

function wantedOf({ listeners, gateway }: Pick<Config, 'listeners' | 'gateway'>): Wanted[] {
  const wanted: Wanted[] = listeners.map(({ name, address }) => ({ name, address }));
  return gateway.health === null
    ? wanted
    : [...wanted, { name: 'health', address: gateway.health }];
}

/** @returns what each descriptor is for */
function match(wanted: readonly Wanted[], count: number, names: readonly string[]): Wanted[] {
  if (count > wanted.length) {
    throw refused(`it hands over ${count} sockets, and ${wanted.length} are configured`);
  }
  const byName = names.map((name) => wanted.find((one) => one.name === name));
  if (names.length !== count || byName.every((one) => one === undefined)) {
    return wanted.slice(0, count);
  }
  return byName.map((one, index) => {
    const isTwice = byName.indexOf(one) !== index;
    if (one === undefined || isTwice) {
      throw refused(
        `its socket "${names[index]}" is ${isTwice && one ? 'there twice' : 'no listener'}`,
      );
    }
    return one;
  });
}

function take(
  fd: number,
  name: string,
  wanted: Endpoint,
  log: Pick<Log, 'warn' | 'info'>,
): ListeningSocket {
  if (!isSocket(fd)) throw refused(`its descriptor ${fd} is no socket`);
  const address = 'port' in wanted ? { ...wanted, port: portOf(fd) ?? wanted.port } : wanted;
  const isOther = 'port' in wanted && 'port' in address && wanted.port !== address.port;
  if (isOther && wanted.port !== 0) {
    log.warn('the socket of the service manager has another port than is configured', {
      listener: name,
      configured: formatAddress(wanted),
      port: address.port,
    });
  }
  log.info('socket of the service manager', { listener: name, fd });
  return { name, wanted, address, fd, isInherited: true, close: () => closeSync(fd) };
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** Node has no getsockname for a descriptor: the kernel's table has it by the socket's inode. */
function portOf(fd: number): number | null {
  const inode = String(fstatSync(fd).ino);
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    try {
      for (const line of readFileSync(table, 'latin1').split('\n')) {
        const fields = line.trim().split(/\s+/);
        if (fields[9] === inode) return Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16);
      }
    } catch {
      // Not Linux, or no IPv6.
    }
  }
  return null;
}

function refused(reason: string): UnderstudyError {
  return new UnderstudyError(
    'UND_LISTEN_FAILED',
    `The sockets of the service manager cannot be used: ${reason}.`,
  );
}
