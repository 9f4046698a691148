/** Proxies that people use today, one worker each: HAProxy as a TCP relay, the mirrors of nginx and of Envoy. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configureNginx } from './nginx.ts';
import { freePorts, untilAnswers } from './peers.ts';
import { findProgram, PinnedProcess } from './pinned.ts';
import type { RunningTarget, TargetContext } from './targets.ts';

interface Rival {
  readonly program: string;
  /** Writes the configuration. @returns arguments of the program */
  configure(context: TargetContext, port: number): readonly string[];
}

const HAPROXY: Rival = {
  program: 'haproxy',
  configure: ({ folder, peers }, port) => {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 9000
defaults
  timeout client 60s
  timeout server 60s
  timeout connect 5s
listen tcp
  mode tcp
  bind 127.0.0.1:${port} backlog 4096
  server incumbent 127.0.0.1:${peers.incumbentPort}
`,
    );
    return ['-f', file];
  },
};

const NGINX_MIRROR: Rival = {
  program: 'nginx',
  configure: ({ folder, peers }, port) => {
    const pass = 'proxy_http_version 1.1; proxy_set_header Connection "";';
    const upstream = (name: string, to: number): string =>
      `upstream ${name} { server 127.0.0.1:${to}; keepalive 1024; keepalive_requests 1000000000; }`;
    return configureNginx(folder, [
      upstream('incumbent', peers.incumbentPort),
      upstream('candidate', peers.candidatePort),
      `server { listen 127.0.0.1:${port} backlog=4096;`,
      `  location / { mirror /_mirror; mirror_request_body on; ${pass} proxy_pass http://incumbent; }`,
      `  location = /_mirror { internal; ${pass} proxy_pass http://candidate$request_uri; }`,
      '}',
    ]);
  },
};

const ENVOY_MIRROR: Rival = {
  program: 'envoy',
  configure: ({ folder, peers }, port) => {
    const file = join(folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(envoyConfig(port, peers)));
    return ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
  },
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

export const RIVALS = { haproxy: HAPROXY, nginx: NGINX_MIRROR, envoy: ENVOY_MIRROR } as const;
export type RivalName = keyof typeof RIVALS;

export function isInstalled(name: RivalName): boolean {
  return findProgram(RIVALS[name].program) !== null;
}

/** @throws {Error} when it is not installed, or does not answer */
export async function startRival(name: RivalName, context: TargetContext): Promise<RunningTarget> {
  const rival = RIVALS[name];
  const command = findProgram(rival.program);
  if (command === null) throw new Error(`${rival.program} is not installed`);
  const [port = 0] = await freePorts(1);
  const child = new PinnedProcess({
    command,
    args: rival.configure(context, port),
    core: context.proxyCore,
    logFile: join(context.folder, `${name}.log`),
  });
  try {
    await untilAnswers(port, () => child.ended);
  } catch (cause) {
    await child.stop();
    throw new Error(`${rival.program} does not answer: ${child.lastWords()}`, { cause });
  }
  return {
    port,
    processes: [{ name, pid: child.pid, isGateway: true }],
    counts: async () => null,
    settle: async () => '',
    stop: async () => {
      await child.stop();
    },
  };
}
