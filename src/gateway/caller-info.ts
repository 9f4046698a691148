/** What is known of a caller besides its bytes. */
import type { Socket } from 'node:net';
import type { ConnectionAddresses } from './proxy-protocol.ts';

export interface CallerInfo {
  /** It speaks TLS with the gateway. */
  readonly secure: boolean;
  /**
   * The caller's own address and the one it connected to, as a PROXY header said or as the socket has them;
   * `null`: not known (a Unix socket, a connection that is gone). Looked up when it is asked for.
   */
  addresses(): ConnectionAddresses | null;
}

/** The two ends of a socket, as the kernel has them. */
export function addressesOf(socket: Socket | undefined): ConnectionAddresses | null {
  if (socket === undefined) return null;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  if (localAddress === undefined || localPort === undefined) return null;
  return {
    source: { host: remoteAddress, port: remotePort },
    destination: { host: localAddress, port: localPort },
  };
}
