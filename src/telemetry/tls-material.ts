/** Certificates and keys from the bytes of their files, checked before anything uses them. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

/** Bytes of PEM files; `null`: there is none. */
export interface PemFiles {
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
  readonly ca: Buffer | null;
}

export interface TlsMaterial {
  /** What the context was made of. */
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  /** When the first certificate ends, Unix ms; NaN where there is none. */
  readonly notAfterMs: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** Whole blocks of any kind. */
const BLOCK = /-----BEGIN ([^-\n]+)-----[\s\S]+?-----END \1-----/g;
/** Between whole blocks: one that has begun. */
const BEGUN = /^-----BEGIN /m;
/** A line where the file ends that is about to begin one. */
const BEGINNING = /(?:^|\n)-[-A-Z ]*$/;

/**
 * @param options - everything but the files
 * @throws {Error} what is wrong with which file, in words
 */
export function loadTlsMaterial(pem: PemFiles, options: SecureContextOptions): TlsMaterial {
  const chain = pem.cert === null ? [] : certificatesOf(pem.cert, 'the certificate file');
  const authorities = pem.ca === null ? [] : certificatesOf(pem.ca, 'the CA file');
  const [leaf] = chain;
  const keyed = pem.cert === null ? {} : { cert: pem.cert, key: checkedKey(pem.key) };
  const ca = authorities.length === 0 ? {} : { ca: authorities.map(String) };
  const complete = { ...options, ...keyed, ...ca };
  try {
    const notAfterMs = leaf?.validToDate.getTime() ?? Number.NaN;
    return { options: complete, context: createSecureContext(complete), notAfterMs };
  } catch (cause) {
    throw new Error(inWords(cause), { cause });
  }
}

/** Node passes over what it cannot read in a CA file: a damaged one would refuse every peer. */
function certificatesOf(pem: Buffer, what: string): X509Certificate[] {
  const text = pem.toString('latin1');
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error(`${what} holds no certificate (PEM)`);
  // Being written, it would refuse the peers of those that are still to come.
  if (isCut(text)) throw new Error(`${what} ends within a certificate`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new Error(`${what} holds a damaged certificate`, { cause });
  }
}

function isCut(text: string): boolean {
  const rest = text.replace(BLOCK, '');
  return BEGUN.test(rest) || BEGINNING.test(rest);
}

function checkedKey(pem: Buffer | null): Buffer {
  const text = pem?.toString('latin1') ?? '';
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new Error('the private key is encrypted: there is nobody to ask for its passphrase');
  }
  if (pem !== null && text.includes('PRIVATE KEY-----')) return pem;
  throw new Error('the key file holds no private key (PEM)');
}

function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (text.includes('key values mismatch')) return 'the key does not belong to the certificate';
  return `certificate and key cannot be used (${text})`;
}
