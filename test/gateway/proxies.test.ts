/**
 * HAProxy in front and nginx behind, with TLS and PROXY headers between all three: software that was written
 * by others agrees with what the gateway sends and takes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { ListenerConfig } from '../../src/config/types.ts';
import { writeCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { expectExchangesToBalance, rawCaller, startGateway } from './rig.ts';
import { AUTHORITY, SERVER_NAME, tlsListener, writeServerCertificate } from './tls-rig.ts';

const isThere = (name: string): boolean => spawnSync(name, ['-v']).error === undefined;
const ASK = 'GET /who HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

/** Starts a server in the foreground and waits until its port answers. */
async function run(command: string, args: readonly string[], port: number): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  await until(`${command} listens: ${said}`, async () => {
    const { socket } = await rawCaller(port);
    socket.destroy();
    return true;
  });
}

/** nginx answers with the caller's address and port as its PROXY header says. */
async function startNginx(secure: boolean): Promise<number> {
  const folder = tempFolder();
  const port = await freePort();
  const certificate = AUTHORITY.issue({ commonName: 'nginx', names: [SERVER_NAME] });
  const { certFile, keyFile } = writeCertificate(folder, 'nginx', certificate);
  const file = join(folder, 'nginx.conf');
  const ssl = secure ? `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};` : '';
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {}
     http {
       access_log off;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       server {
         listen 127.0.0.1:${port} ${secure ? 'ssl' : ''} proxy_protocol; ${ssl}
         location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }
       }
     }`,
  );
  await run('nginx', ['-p', folder, '-c', file], port);
  return port;
}

/** HAProxy as a TCP proxy in front of the gateway. */
async function startHaproxy(gatewayPort: number, options: string): Promise<number> {
  const folder = tempFolder();
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
       mode tcp
       timeout connect 5s
       timeout client 5s
       timeout server 5s
     listen front
       bind 127.0.0.1:${port}
       server gateway 127.0.0.1:${gatewayPort} ${options}\n`,
  );
  await run('haproxy', ['-db', '-f', file], port);
  return port;
}

describe.skipIf(!isThere('haproxy') || !isThere('nginx'))('between HAProxy and nginx', () => {
  it.each([
    ['v1', 'send-proxy', false],
    ['v2', 'send-proxy-v2', false],
    ['v2', 'send-proxy-v2', true],
    ['v1', 'send-proxy-v2-ssl-cn', true],
  ] as const)(
    'the caller is known to the end: %s out, %s in, TLS %s',
    async (out, flag, secure) => {
      const folder = tempFolder();
      const caFile = join(folder, 'ca.pem');
      writeFileSync(caFile, AUTHORITY.cert);
      const nginxPort = await startNginx(secure);
      const listener: ListenerConfig = {
        ...tlsListener(nginxPort, writeServerCertificate(folder)),
        proxy: { timeoutMs: 5_000, sources: ['127.0.0.0/8'] },
        upstream: {
          proxyProtocol: out,
          tls: secure ? { ...DEFAULTS.listener.upstream, caFile, serverName: SERVER_NAME } : null,
        },
      };
      const rig = await startGateway(nginxPort, {
        config: { listeners: [secure ? listener : { ...listener, tls: null }] },
      });
      const ssl = secure ? `ssl verify required ca-file ${caFile} sni str(${SERVER_NAME})` : '';
      const port = await startHaproxy(rig.port, `${flag} ${ssl}`);
      const caller = await rawCaller(port);
      const { localPort } = caller.socket;
      caller.socket.write(ASK);
      await until('answered', () => caller.closed() === 'end');
      expect(caller.received().toString()).toMatch(new RegExp(`\r\n\r\n127.0.0.1:${localPort}$`));
      const counts = await expectExchangesToBalance(rig);
      expect(counts).toEqual({ seen: 1, 'shed(mirror_down)': 1 });
    },
  );
});
