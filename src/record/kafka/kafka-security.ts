/**
 * How a connection to Kafka proves who we are and learns who they are. Secrets stand in files, which are read
 * again before each try to connect, so that they can be changed without a restart.
 */
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { ConnectionOptions } from '@platformatic/kafka';
import { LIMITS } from '../../config/defaults.ts';
import type { KafkaConfig, KafkaSaslConfig, KafkaTlsConfig } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';

/** Another way to authenticate (OAUTHBEARER, say) is another one of these. */
export interface KafkaAuthenticator {
  /**
   * Reads the files anew.
   *
   * @throws {UnderstudyError} `UND_KAFKA_SECRET_FILE` with the file and what is wrong with it; `UND_KAFKA_TLS` certificates
   *   and keys that are none, or do not belong together
   */
  connection(): Pick<ConnectionOptions, 'tls' | 'sasl' | 'tlsServerName'>;
  /** Another text once a file has changed. Never throws. */
  stamp(): string;
}

/** TLS and SASL as configured: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, client certificates. */
export class FileAuthenticator implements KafkaAuthenticator {
  readonly #tls: KafkaTlsConfig | null;
  readonly #sasl: KafkaSaslConfig | null;
  readonly #files: readonly string[];
  readonly #areNames: boolean;

  constructor({ tls, sasl, brokers }: Pick<KafkaConfig, 'tls' | 'sasl' | 'brokers'>) {
    this.#areNames = brokers.every((broker) => isIP(hostOf(broker)) === 0);
    this.#tls = tls;
    this.#sasl = sasl;
    const files = [tls?.caFile, tls?.certFile, tls?.keyFile, sasl?.passwordFile];
    this.#files = files.flatMap((file) => (file === undefined || file === '' ? [] : file));
  }

  connection(): ReturnType<KafkaAuthenticator['connection']> {
    return { ...this.#tlsOptions(), ...this.#saslOptions() };
  }

  stamp(): string {
    return this.#files.map(stampOf).join('|');
  }

  #tlsOptions(): Pick<ConnectionOptions, 'tls' | 'tlsServerName'> {
    if (this.#tls === null) return {};
    const { caFile, certFile, keyFile, serverName } = this.#tls;
    const tls = {
      ...(caFile === '' ? {} : { ca: readSecret(caFile) }),
      ...(certFile === '' ? {} : { cert: readSecret(certFile), key: readSecret(keyFile) }),
    };
    refuseUnusable(tls, this.#tls);
    return {
      tls,
      // `true`: the host that is connected to, as the client does not say it by itself; an IP address must
      // not be said (RFC 6066, 3).
      tlsServerName: serverName === '' ? this.#areNames : serverName,
    };
  }

  #saslOptions(): Pick<ConnectionOptions, 'sasl'> {
    if (this.#sasl === null) return {};
    const { mechanism, username, passwordFile } = this.#sasl;
    let last = readSecret(passwordFile);
    // Called for each connection and each re-authentication. A file that cannot be read any more keeps its
    // last value: a rotation is not atomic everywhere.
    const password = (): string => {
      try {
        last = readSecret(passwordFile);
      } catch {
        // the next `connection()` says so
      }
      return last;
    };
    return { sasl: { mechanism, username, password } };
  }
}

function readSecret(file: string): string {
  try {
    const { size } = statSync(file);
    const text = size > LIMITS.kafkaSecretBytes ? '' : readFileSync(file, 'utf8').trim();
    if (text !== '') return text;
    const what = size > LIMITS.kafkaSecretBytes ? `over ${LIMITS.kafkaSecretBytes} bytes` : 'empty';
    throw new Error(`it is ${what}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError(
      'UND_KAFKA_SECRET_FILE',
      `The file ${file} cannot be used: ${reason.slice(0, LIMITS.errorCharacters)}.`,
      { cause },
    );
  }
}

/** Here it is known which files are meant; the client would say it as an error of a connection. */
function refuseUnusable(tls: SecureContextOptions, files: KafkaTlsConfig): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const named = [files.caFile, files.certFile, files.keyFile].filter((file) => file !== '');
    throw new UnderstudyError(
      'UND_KAFKA_TLS',
      `The files of kafka.tls cannot be used (${named.join(', ')}): ${reason.slice(0, LIMITS.errorCharacters)}.`,
      { cause },
    );
  }
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return 'unreadable';
  }
}

/** Of `host:port`, `[IPv6]:port`. */
function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
