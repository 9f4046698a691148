/** Certificates of listeners: what `check` says of them, and what `serve` does not start with. */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { ListenerConfig, UpstreamConfig, UpstreamTlsConfig } from '../../src/config/types.ts';
import {
  listenerCertificateFaults,
  requireListenerCertificates,
  tryTlsWith,
} from '../../src/main/tls-probes.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import { tempFolder } from '../support/temp-folder.ts';

const authority = new Authority();
const PLAIN: UpstreamConfig = { tls: null, proxyProtocol: 'off' };

function listenerIn(folder: string, notAfter = new Date(Date.now() + 3_600_000)) {
  const files = writeCertificate(folder, 'a', authority.issue({ commonName: 'a', notAfter }));
  const listener: ListenerConfig = {
    name: 'main',
    address: { host: '127.0.0.1', port: 0 },
    incumbent: { host: '127.0.0.1', port: 1 },
    insert: DEFAULTS.listener.insert,
    upstream: PLAIN,
    proxy: null,
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
    const names = [
      {
        serverNames: ['b'],
        incumbent: null,
        upstream: PLAIN,
        certFile: join(folder, 'b'),
        keyFile,
      },
    ];
    const faults = listenerCertificateFaults({
      ...listener,
      tls: { ...tls, names, clientCaFile, certFile },
    });
    expect(faults).toHaveLength(2);
    expect(faults[0]).toContain('the CA file holds no certificate');
    expect(faults[1]).toContain('ENOENT');
  });
});

describe('a handshake with an incumbent', () => {
  async function incumbent(names: string[]) {
    const { cert, key } = authority.issue({ commonName: 'i', names });
    const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const caFile = join(tempFolder(), 'ca.pem');
    writeFileSync(caFile, authority.cert);
    return { endpoint: { host: '127.0.0.1', port }, caFile };
  }

  it('is tried: well, with a wrong name, and with files that cannot be used', async () => {
    const { endpoint, caFile } = await incumbent(['127.0.0.1']);
    const config = { ...DEFAULTS.listener.upstream, caFile };
    const attempt = (tls: UpstreamTlsConfig) => tryTlsWith(endpoint, { tls, proxyProtocol: 'off' });
    expect(await attempt(config)).toBeNull();
    expect(await attempt({ ...config, serverName: 'b' })).toMatchObject({
      code: 'UND_INCUMBENT_CERTIFICATE',
      detail: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    expect(await attempt({ ...config, caFile: '/nowhere.pem' })).toMatchObject({
      code: 'UND_INCUMBENT_TLS',
      detail: expect.stringContaining('ENOENT'),
    });
  });
});
