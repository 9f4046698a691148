/** What is known of a caller besides its bytes. */
import type { Socket } from 'node:net';
import type { ConnectionAddresses } from './proxy-protocol.ts';

export interface CallerInfo {
  /** It speaks TLS with the gateway. */
  readonly secure: boolean;
  /**
   * The caller's own address and the one it connected to, as a PROXY header said or as the kernel had them when
   * it was accepted; `null`: not known (a Unix socket), or nobody here asks for it.
   */
  readonly addresses: ConnectionAddresses | null;
}

/** The two ends of a socket, as the kernel has them. */
export function addressesOf(socket: Socket): ConnectionAddresses | null {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  if (localAddress === undefined || localPort === undefined) return null;
  return {
    source: { host: remoteAddress, port: remotePort },
    destination: { host: localAddress, port: localPort },
  };
}
