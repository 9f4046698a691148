/** TLS tried as a gateway would do it: certificates and keys of the listeners, handshakes with incumbents. */
import { readFileSync } from 'node:fs';
import { formatAddress } from '../config/address.ts';
import { LIMITS } from '../config/defaults.ts';
import type {
  CertificateFiles,
  Config,
  Endpoint,
  ListenerConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { listenerContextOptions } from '../gateway/listener-tls.ts';
import { encodeProxyHeader } from '../gateway/proxy-protocol.ts';
import { CONNECT_TIMEOUT, TLS_NOT_USABLE, type Unreachable } from '../gateway/upstream-error.ts';
import { UpstreamTls } from '../gateway/upstream-tls.ts';
import { loadTlsMaterial } from '../telemetry/tls-material.ts';

/** A certificate that a listener shows, or why it cannot. */
interface Tried {
  readonly listener: string;
  readonly certFile: string;
  readonly fault: string;
  readonly notAfterMs: number;
}

/**
 * Without its certificate a listener carries no traffic: `serve` does not start then. A gateway that is
 * started later, and finds the files damaged, refuses handshakes and heals with them.
 *
 * @throws {UnderstudyError} `UND_TLS_FILE`, for the first that cannot be loaded
 */
export function requireListenerCertificates(config: Pick<Config, 'listeners'>): void {
  for (const { listener, certFile, fault } of config.listeners.flatMap(tryCertificates)) {
    if (fault === '') continue;
    throw new UnderstudyError('UND_TLS_FILE', sentenceOf(listener, certFile, fault), {
      details: { listener, certFile },
    });
  }
}

/** @returns a sentence for each certificate that cannot be used or has expired */
export function listenerCertificateFaults(listener: ListenerConfig): string[] {
  return tryCertificates(listener).flatMap(({ certFile, fault, notAfterMs }) => {
    if (fault !== '') return [sentenceOf(listener.name, certFile, fault)];
    if (notAfterMs > Date.now()) return [];
    return [
      sentenceOf(listener.name, certFile, `it ended on ${new Date(notAfterMs).toISOString()}`),
    ];
  });
}

function sentenceOf(listener: string, certFile: string, fault: string): string {
  return `Listener ${listener} cannot use the certificate ${certFile}: ${fault}.`;
}

function tryCertificates({ name, tls }: ListenerConfig): Tried[] {
  if (tls === null) return [];
  return [tls, ...tls.names].map((files) => {
    const tried = { listener: name, certFile: files.certFile };
    try {
      const pem = readPem(files, tls.clientCaFile);
      const { notAfterMs } = loadTlsMaterial(pem, listenerContextOptions(name, tls));
      return { ...tried, fault: '', notAfterMs };
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      return { ...tried, fault, notAfterMs: Number.NaN };
    }
  });
}

/** @param caFile - empty: none */
function readPem({ certFile, keyFile }: CertificateFiles, caFile: string) {
  const read = (path: string): Buffer | null => (path === '' ? null : readFileSync(path));
  return { cert: read(certFile), key: read(keyFile), ca: read(caFile) };
}

/**
 * Connects to an incumbent as a gateway would, up to the end of the handshake.
 *
 * @returns why that failed; `null`: it did not
 */
export async function tryTlsWith(
  endpoint: Endpoint,
  { tls: config, proxyProtocol }: UpstreamConfig & { readonly tls: UpstreamTlsConfig },
): Promise<Unreachable | null> {
  const incumbent = formatAddress(endpoint);
  const host = 'path' in endpoint ? 'localhost' : endpoint.host;
  const log = { info: () => undefined, warn: () => undefined };
  const tls = new UpstreamTls({ config, host, incumbent, log });
  await tls.start();
  tls.stop();
  if (tls.fault !== '') return { ...TLS_NOT_USABLE, detail: `UND_TLS_FILE, ${tls.fault}` };
  return new Promise((resolve) => {
    const end = (cause: Unreachable | null): void => {
      clearTimeout(timer);
      connection?.destroy();
      resolve(cause);
    };
    const timer = setTimeout(() => end(CONNECT_TIMEOUT), LIMITS.probeMs);
    const head = proxyProtocol === 'off' ? null : encodeProxyHeader(proxyProtocol, null);
    const connection = tls.connect(endpoint, head, () => true, {
      opened: () => end(null),
      failed: end,
    });
  });
}
