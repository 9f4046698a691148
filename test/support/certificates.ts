/**
 * An authority of a test's own, and the certificates it issues: real X.509 (RFC 5280), made here, since Node
 * can read certificates and not make them. EC P-256 keys, ecdsa-with-SHA256.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP, isIPv4 } from 'node:net';
import { join } from 'node:path';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Extended key usage: for TLS clients alone. */
  readonly isForClients?: boolean;
}

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export class Authority {
  readonly #pair: Pair = newPair();
  readonly #name: string;
  /** PEM of its own certificate. */
  readonly cert: string;

  constructor(name = 'Test authority') {
    this.#name = name;
    const options = { commonName: name };
    this.cert = issue({ options, pair: this.#pair, issuer: name, signer: this.#pair, ca: true });
  }

  issue(options: CertificateOptions): Certificate {
    const pair = newPair();
    const cert = issue({ options, pair, issuer: this.#name, signer: this.#pair, ca: false });
    return { cert, key: pemOfKey(pair) };
  }
}

/** Writes `NAME.pem` and `NAME.key`. */
export function writeCertificate(folder: string, name: string, { cert, key }: Certificate) {
  const certFile = join(folder, `${name}.pem`);
  const keyFile = join(folder, `${name}.key`);
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile };
}

function newPair(): Pair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pemOfKey({ privateKey }: Pair): string {
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** DER: tag, length, content. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const octets = (...parts: Uint8Array[]): Buffer => der(0x04, ...parts);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));
const COMMON_NAME = objectId('550403');
const BASIC_CONSTRAINTS = objectId('551d13');
const SUBJECT_ALT_NAME = objectId('551d11');
const EXTENDED_KEY_USAGE = objectId('551d25');
const CLIENT_AUTH = objectId('2b06010505070302');

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))));
}

/** GeneralizedTime: YYYYMMDDHHMMSSZ. */
function timeOf(date: Date): Buffer {
  return der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));
}

function altName(name: string): Buffer {
  if (isIP(name) === 0) return der(0x82, Buffer.from(name));
  if (!isIPv4(name)) throw new Error(`${name}: IPv6 names are not made here`);
  return der(0x87, Buffer.from(name.split('.').map(Number)));
}

function issue(parts: {
  readonly options: CertificateOptions;
  readonly pair: Pair;
  readonly issuer: string;
  readonly signer: Pair;
  readonly ca: boolean;
}): string {
  const { options, pair, issuer, signer, ca } = parts;
  const { commonName, names = [] } = options;
  const { notBefore = new Date(Date.now() - 86_400_000) } = options;
  const { notAfter = new Date(Date.now() + 86_400_000) } = options;
  const extensions = [sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(...(ca ? [TRUE] : []))))];
  if (names.length > 0) {
    extensions.push(sequence(SUBJECT_ALT_NAME, octets(sequence(...names.map(altName)))));
  }
  if (options.isForClients === true) {
    extensions.push(sequence(EXTENDED_KEY_USAGE, octets(sequence(CLIENT_AUTH))));
  }
  const serial = randomBytes(12);
  serial[0] = 1; // positive, and without leading zeros
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(timeOf(notBefore), timeOf(notAfter)),
    nameOf(commonName),
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer.privateKey);
  const whole = sequence(body, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
