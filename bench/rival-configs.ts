/** How proxies that people use today are configured here: one worker each, no logs, nothing cut off. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configureNginx } from './nginx.ts';
import type { TargetContext } from './targets.ts';

/** Writes a configuration. @returns arguments of the program */
type Configure = (context: TargetContext, port: number) => readonly string[];

/** A TCP relay; with `secure` it speaks TLS with callers. */
export function haproxy(secure: boolean): Configure {
  return ({ folder, peers, certificate, gateways }, port) => {
    const file = join(folder, 'haproxy.cfg');
    const tls = secure ? ` ssl crt ${certificate.bothFile} ssl-min-ver TLSv1.3` : '';
    writeFileSync(
      file,
      `global
  nbthread ${gateways}
  maxconn 9000
defaults
  timeout client 60s
  timeout server 60s
  timeout connect 5s
listen tcp
  mode tcp
  bind 127.0.0.1:${port} backlog 4096${tls}
  server incumbent 127.0.0.1:${peers.incumbentPort}
`,
    );
    return ['-f', file];
  };
}

const NGINX_PASS = 'proxy_http_version 1.1; proxy_set_header Connection "";';

function nginxUpstream(name: string, port: number): string {
  return `upstream ${name} { server 127.0.0.1:${port}; keepalive 1024; keepalive_requests 1000000000; }`;
}

export const nginxMirror: Configure = ({ folder, peers }, port) =>
  configureNginx(folder, [
    nginxUpstream('incumbent', peers.incumbentPort),
    nginxUpstream('candidate', peers.candidatePort),
    `server { listen 127.0.0.1:${port} backlog=4096;`,
    `  location / { mirror /_mirror; mirror_request_body on; ${NGINX_PASS} proxy_pass http://incumbent; }`,
    `  location = /_mirror { internal; ${NGINX_PASS} proxy_pass http://candidate$request_uri; }`,
    '}',
  ]);

/** TLS with callers, no mirror. */
export const nginxTls: Configure = ({ folder, peers, certificate }, port) =>
  configureNginx(folder, [
    nginxUpstream('incumbent', peers.incumbentPort),
    `server { listen 127.0.0.1:${port} ssl backlog=4096; ssl_protocols TLSv1.3;`,
    `  ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`,
    `  location / { ${NGINX_PASS} proxy_pass http://incumbent; }`,
    '}',
  ]);

/** What one would write first: `http-proxy` with a keep-alive agent. */
export const httpProxy: Configure = ({ peers }, port) => {
  const program = fileURLToPath(new URL('./peers/plain-proxy.ts', import.meta.url));
  return [program, String(port), String(peers.incumbentPort)];
};

export const envoyMirror: Configure = ({ folder, peers }, port) => {
  const file = join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(envoyConfig(port, peers)));
  return ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
};

function envoyConfig(port: number, peers: TargetContext['peers']): unknown {
  const type = (name: string): string => `type.googleapis.com/envoy.extensions.filters.${name}`;
  const cluster = (name: string, to: number): unknown => ({
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    circuit_breakers: {
      thresholds: [{ max_connections: 1e5, max_pending_requests: 1e5, max_requests: 1e5 }],
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(to) } }] }],
    },
  });
  const route = {
    cluster: 'incumbent',
    request_mirror_policies: [
      {
        cluster: 'candidate',
        runtime_fraction: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
      },
    ],
  };
  const manager = {
    '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'mirror',
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': type('http.router.v3.Router') } }],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'mirror',
          address: socketAddress(port),
          tcp_backlog_size: 4_096,
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        cluster('incumbent', peers.incumbentPort),
        cluster('candidate', peers.candidatePort),
      ],
    },
  };
}

function socketAddress(port: number): unknown {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
