/** Binding and unbinding of admin's HTTP servers. */
import type { Server } from 'node:http';
import { formatAddress } from '../config/address.ts';
import type { Address } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';

/**
 * @returns URL at which this machine reaches it: loopback where it listens on all addresses
 * @throws {UnderstudyError} `UND_LISTEN_FAILED` the address cannot be bound; the server can be tried again
 */
export async function listenHttp(server: Server, address: Address): Promise<string> {
  const { host, port } = address;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_LISTEN_FAILED', `Cannot listen on ${host}:${port}: ${why}.`, {
      cause,
    });
  }
  server.on('error', () => undefined); // EMFILE on accept: the client tries again
  const bound = server.address();
  return urlOf(host, bound !== null && typeof bound === 'object' ? bound.port : port);
}

/** Stops listening and ends all connections. Resolves also for a server that never listened. */
export function closeHttp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${formatAddress({ host: reachable, port })}`;
}
