/** Certificates of listeners: what `check` says of them, and what `serve` does not start with. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { ListenerConfig } from '../../src/config/types.ts';
import {
  listenerCertificateFaults,
  requireListenerCertificates,
} from '../../src/main/tls-probes.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import { tempFolder } from '../support/temp-folder.ts';

const authority = new Authority();

function listenerIn(folder: string, notAfter = new Date(Date.now() + 3_600_000)) {
  const files = writeCertificate(folder, 'a', authority.issue({ commonName: 'a', notAfter }));
  const listener: ListenerConfig = {
    name: 'main',
    address: { host: '127.0.0.1', port: 0 },
    incumbent: { host: '127.0.0.1', port: 1 },
    tls: { ...DEFAULTS.listener.tls, names: [], ...files },
  };
  return { listener, ...files };
}

describe('the certificate of a listener', () => {
  it('is fine where it and its key can be loaded', () => {
    const { listener } = listenerIn(tempFolder());
    expect(listenerCertificateFaults(listener)).toEqual([]);
    requireListenerCertificates({ listeners: [listener, { ...listener, tls: null }] });
  });

  const faults: [string, (paths: { certFile: string; keyFile: string }) => void, RegExp][] = [
    ['is missing', ({ certFile }) => rmSync(certFile), /ENOENT/],
    [
      'is empty',
      ({ certFile }) => writeFileSync(certFile, ''),
      /holds no certificate|no certificate/,
    ],
    ['is no PEM', ({ certFile }) => writeFileSync(certFile, 'x'), /holds no certificate/],
    [
      'is damaged',
      ({ certFile }) => {
        const cut = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
        writeFileSync(certFile, cut);
      },
      /damaged/,
    ],
    [
      'has the key of another',
      ({ keyFile }) => writeFileSync(keyFile, authority.issue({ commonName: 'b' }).key),
      /the key does not belong to the certificate/,
    ],
    ['has no key', ({ keyFile, certFile }) => writeFileSync(keyFile, certFile), /no private key/],
    [
      'has an encrypted key',
      ({ keyFile }) => {
        writeFileSync(keyFile, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n');
      },
      /passphrase/,
    ],
  ];

  it.each(faults)('%s: check says so, and serve does not start', (_, spoil, reason) => {
    const { listener, certFile, keyFile } = listenerIn(tempFolder());
    spoil({ certFile, keyFile });
    const [sentence] = listenerCertificateFaults(listener);
    expect(sentence).toMatch(reason);
    expect(sentence).toContain(`Listener main cannot use the certificate ${certFile}`);
    expect(() => requireListenerCertificates({ listeners: [listener] })).toThrow(
      expect.objectContaining({ code: 'UND_TLS_FILE', message: sentence }),
    );
  });

  it('that has ended is found by check, and started with', () => {
    const { listener } = listenerIn(tempFolder(), new Date('2020-01-01'));
    expect(listenerCertificateFaults(listener)[0]).toContain('it ended on 2020-01-01');
    requireListenerCertificates({ listeners: [listener] });
  });

  it('is looked at for each name, and with the file of who vouches for callers', () => {
    const folder = tempFolder();
    const { listener, certFile, keyFile } = listenerIn(folder);
    const clientCaFile = join(folder, 'ca.pem');
    writeFileSync(clientCaFile, 'nothing');
    const { tls } = listener;
    if (tls === null) throw new Error('no TLS');
    const names = [{ serverNames: ['b'], incumbent: null, certFile: join(folder, 'b'), keyFile }];
    const faults = listenerCertificateFaults({
      ...listener,
      tls: { ...tls, names, clientCaFile, certFile },
    });
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain('the CA file holds no certificate');
    expect(faults[1]).toContain('ENOENT');
  });
});
