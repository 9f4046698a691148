/**
 * How a candidate is spoken to in TLS: who vouches for it, the name its certificate must have, and the certificate
 * that is shown to it. Files are read again when they change; connections made after that have the new ones.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { UpstreamTlsConfig } from '../../config/types.ts';
import type { Log } from '../../telemetry/log-lines.ts';
import { PeerTlsFiles } from '../../telemetry/peer-tls-files.ts';

export interface CandidateTlsOptions {
  readonly config: UpstreamTlsConfig;
  /** For logs. */
  readonly candidate: string;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

export class CandidateTls {
  readonly #config: UpstreamTlsConfig;
  readonly #files: PeerTlsFiles;
  readonly #looked: Promise<void>;

  constructor({ config, candidate, log }: CandidateTlsOptions) {
    this.#config = config;
    this.#files = new PeerTlsFiles(config, { candidate }, log);
    this.#looked = this.#files.start();
  }

  /** @param options - for all connections; TLS comes from here */
  connector(options: buildConnector.BuildOptions): buildConnector.connector {
    const { verify, serverName } = this.#config;
    // RFC 6066, 3: no addresses as server names. The certificate must have it all the same.
    const isAddress = isIP(serverName) !== 0;
    const check = (_host: string, peer: PeerCertificate) => checkServerIdentity(serverName, peer);
    const complete = isAddress ? { ...options, checkServerIdentity: check } : options;
    let of: SecureContext | null = null;
    let connect: buildConnector.connector | null = null;
    return (target, callback) => {
      // Cannot reject: what is wrong with the files is a value.
      void this.#looked.then(() => {
        const secureContext = this.#files.context;
        if (secureContext === null) {
          callback(noFiles(), null);
          return;
        }
        // A new one, with no session of the old files, when they change.
        if (connect === null || of !== secureContext) {
          connect = buildConnector({ ...complete, secureContext, rejectUnauthorized: verify });
          of = secureContext;
        }
        // undici asks for the name that stands in `Host`.
        connect(
          serverName === '' || isAddress ? target : { ...target, servername: serverName },
          callback,
        );
      });
    };
  }

  stop(): void {
    this.#files.stop();
  }
}

function noFiles(): NodeJS.ErrnoException {
  return Object.assign(new Error('its TLS files cannot be used'), { code: 'ERR_TLS_FILES' });
}
