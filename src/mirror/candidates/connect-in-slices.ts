/**
 * Connections to a candidate that undici reads in small slices, and not any more once they are destroyed.
 *
 * undici 8.13 goes on parsing what it has read when an answer's head is over its limit, and makes an error for
 * each name and value: measured, 46 ms of the mirror's loop for a read of 64 KiB of short headers, which 20
 * such answers a second would fill. In slices of 1 KiB it is 1.3 ms; an answer of 1 MiB costs what it did.
 */
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { LIMITS } from '../../config/defaults.ts';
import type { CandidateTls } from './candidate-tls.ts';
import { type ForbiddenAddresses, forbidden } from './forbidden-addresses.ts';

/** Of a candidate at an address of the network. */
export interface NetworkOptions {
  /** What is not connected to. */
  readonly forbidden: ForbiddenAddresses;
  /** `null`: in plain. */
  readonly tls: CandidateTls | null;
}

/**
 * @param options - as undici's own connector takes them
 * @param network - `null`: a Unix socket is connected to
 */
export function connectInSlices(
  options: buildConnector.BuildOptions,
  network: NetworkOptions | null = null,
): buildConnector.connector {
  const complete = network === null ? options : { ...options, lookup: network.forbidden.lookup };
  const connect = network?.tls?.connector(complete) ?? buildConnector(complete);
  return (target, callback) => {
    // An address is not looked up.
    if (network?.forbidden.hasHost(target.hostname) === true) {
      queueMicrotask(() => callback(forbidden(target.hostname), null));
      return;
    }
    connect(target, (...args) => {
      const [, socket] = args;
      // On an error undici leaves it out, whatever its types say.
      if (socket) readInSlices(socket);
      callback(...args);
    });
  };
}

function readInSlices(socket: Socket): void {
  const read: (size?: number) => unknown = socket.read.bind(socket);
  socket.read = (size?: number) => {
    if (socket.destroyed) return null;
    if (size !== undefined || socket.readableLength <= LIMITS.candidateReadBytes) return read(size);
    return read(LIMITS.candidateReadBytes);
  };
}
