import { randomBytes } from 'node:crypto';
import { chmod, rename } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname, join } from 'node:path';
import type { Address } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';

/** A TCP address, the descriptor of a socket that is bound already, or the path of a Unix socket. */
export type ListenPlace = Address | { readonly fd: number } | { readonly path: string };

/**
 * Binds a server. A Unix socket (mode 0600) is bound under a drawn name and renamed onto its path: it appears ready, a
 * stale file of a killed process is replaced without a gap, and closing (libuv unlinks the name it has
 * bound) cannot take away the socket of a process that came after.
 *
 * @returns the port that was bound; 0 for a Unix socket
 * @throws {UnderstudyError} `UND_LISTEN_FAILED`
 */
export async function listenAt(server: Server, place: ListenPlace): Promise<number> {
  try {
    if ('path' in place) {
      const drawn = join(dirname(place.path), `.${randomBytes(6).toString('hex')}`);
      await bind(server, { path: drawn });
      await chmod(drawn, 0o600);
      await rename(drawn, place.path);
      return 0;
    }
    await bind(server, place);
    const bound = server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  } catch (cause) {
    server.close();
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const message = `cannot listen on ${describePlace(place)}: ${reason}`;
    throw new UnderstudyError('UND_LISTEN_FAILED', message, { cause });
  }
}

function describePlace(place: ListenPlace): string {
  if ('path' in place) return place.path;
  return 'fd' in place ? `descriptor ${place.fd}` : `${place.host}:${place.port}`;
}

function bind(server: Server, options: ListenPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      // Out of descriptors on accept: the caller tries again.
      server.on('error', () => {});
      resolve();
    });
  });
}
