/** TLS on the two sides of a gateway: real certificates, and callers whose TCP socket a test can reach. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { ListenerConfig, ListenerTlsConfig } from '../../src/config/types.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import { gatewayConfig, type RawCaller, recordOf } from './rig.ts';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type Version = (typeof VERSIONS)[number];

/** Whom all parties of a test trust, where it is not about trust. */
export const AUTHORITY = new Authority();
export const SERVER_NAME = 'scoring.example';

export function writeServerCertificate(folder: string, name = SERVER_NAME, authority = AUTHORITY) {
  return writeCertificate(folder, name, authority.issue({ commonName: name, names: [name] }));
}

/** The rig's one listener, with TLS. */
export function tlsListener(
  incumbentPort: number,
  files: { readonly certFile: string; readonly keyFile: string },
  part: Partial<ListenerTlsConfig> = {},
): ListenerConfig {
  const [listener] = gatewayConfig('', incumbentPort).listeners;
  if (listener === undefined) throw new Error('no listener');
  return { ...listener, tls: { ...DEFAULTS.listener.tls, names: [], ...files, ...part } };
}

export interface TlsCaller extends RawCaller {
  readonly socket: TLSSocket;
  /** The TCP socket below. */
  readonly raw: Socket;
}

export interface TlsCallerOptions extends ConnectionOptions {
  readonly version?: Version;
}

/** Rejects with the error of a handshake that fails. */
export async function tlsCaller(port: number, options: TlsCallerOptions = {}): Promise<TlsCaller> {
  const { version, ...rest } = options;
  const raw = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  raw.on('error', () => undefined);
  onTestFinished(() => void raw.destroy());
  const socket = connectTls({
    socket: raw,
    ca: AUTHORITY.cert,
    servername: SERVER_NAME,
    ...(version && { minVersion: version, maxVersion: version }),
    ...rest,
  });
  const record = recordOf(socket);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return { socket, raw, ...record };
}
