/**
 * A real Apache Kafka for tests: never a mock where a broker is meant.
 *
 * `sharedKafka` is one broker for the whole test run, for tests that only read and write topics of
 * their own. `startKafka` is a broker (or three) of the caller's own, for tests that harm it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRun } from './global-setup.ts';
import { isPortFree, runScript } from './run-script.ts';
import { missingService, type Skipped } from './skipped.ts';

const script = join(import.meta.dirname, 'kafka-broker.sh');
const PORTS_PER_NODE = 10;
const START_ATTEMPTS_MAX = 3;

/** Where a broker listens without encryption, `host:port` each. */
export interface KafkaBrokers {
  readonly brokers: string[];
}

/** The listeners of a broker started with `secure: true`, and who may use them. */
interface SecureListeners {
  readonly saslSsl: string[];
  readonly saslPlaintext: string[];
  readonly ssl: string[];
  /** The certificate authority of the TLS listeners, a PEM file. */
  readonly caFile: string;
  /** A certificate that `ssl` takes for everything, and its key; PEM files. */
  readonly certFile: string;
  readonly keyFile: string;
  /** May do everything. */
  readonly user: string;
  readonly password: string;
  /** May do nothing until an ACL says so. */
  readonly limited: { readonly user: string; readonly password: string };
}

/** A broker that belongs to the caller. Nodes are counted from 1. */
export interface KafkaService extends KafkaBrokers {
  readonly secure?: SecureListeners;
  /** With `proxyPorts`: where each node's proxied listener is, for the proxy to pass on to. */
  readonly proxied: readonly { readonly host: string; readonly port: number }[];
  /** Stops all nodes and removes their data; a second call does nothing. */
  stop(): Promise<void>;
  /** SIGKILL to one node (default 1). */
  kill(node?: number): Promise<void>;
  /** SIGSTOP to one node: it stays connected, and does nothing. */
  pause(node: number): Promise<void>;
  resume(node: number): Promise<void>;
  /** Starts a killed node again on its old data and waits until it serves (about 7 s). */
  restart(node?: number): Promise<void>;
}

/** Options of {@link startKafka}. */
export interface KafkaOptions {
  /** 1 (default), or 3: replication factor 3, `min.insync.replicas` 2. */
  readonly nodes?: 1 | 3;
  /** SASL and TLS listeners too (default false). */
  readonly secure?: boolean;
  /** One a node: brokers advertise 127.0.0.1 and these ports to those who come through them. */
  readonly proxyPorts?: readonly number[];
}

/**
 * A broker shared by all test files of a run: the one that `UNDERSTUDY_KAFKA_BROKERS` names
 * (separated by commas), else one that the first caller starts and the end of the run stops. Use
 * topics with names of your own; they have to be created first.
 *
 * @returns what is missing, in one line, where there is no broker
 * @throws {Error} if the broker does not start, or with `CI=true` if it is missing
 */
export async function sharedKafka(): Promise<KafkaBrokers | Skipped> {
  const named = process.env.UNDERSTUDY_KAFKA_BROKERS;
  if (named !== undefined && named !== '')
    return { brokers: named.split(',').map((b) => b.trim()) };
  const missing = await whatIsMissing();
  if (missing !== undefined) return missing;
  const { folder, owner } = testRun();
  const { stdout } = await onFreePorts(1, (port) =>
    runScript(script, ['ensure', join(folder, 'kafka'), String(port)], {
      env: { KAFKA_OWNER: String(owner) },
    }),
  );
  return { brokers: [`127.0.0.1:${stdout.trim()}`] };
}

/**
 * Starts a broker that nobody else uses, from jars that Maven fetches once; ready after about 4 s
 * (three nodes: 12 s). It ends with `stop`, and by itself when this process ends.
 *
 * @returns what is missing, in one line, where Java 17 or Maven is
 * @throws {Error} if the broker does not start, or with `CI=true` if something is missing
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaService | Skipped> {
  const missing = await whatIsMissing();
  if (missing !== undefined) return missing;
  const nodes = options.nodes ?? 1;
  const secure = options.secure ?? false;
  const { proxyPorts = [] } = options;
  const env = { KAFKA_SECURE: secure ? '1' : '', KAFKA_PROXIES: proxyPorts.join(' ') };
  const { folder, port } = await onFreePorts(nodes, (port) => startOwn(port, nodes, env));
  const listeners = (offset: number): string[] =>
    Array.from({ length: nodes }, (_, i) => `127.0.0.1:${port + PORTS_PER_NODE * i + offset}`);
  return {
    brokers: listeners(0),
    proxied: proxyPorts.map((_, i) => ({ host: '127.0.0.1', port: port + PORTS_PER_NODE * i + 5 })),
    ...(secure ? { secure: secureListeners(folder, listeners) } : {}),
    stop: async () => {
      await runScript('bash', ['-c', '[ ! -d "$2" ] || "$1" stop "$2"', '_', script, folder]);
      await rm(folder, { recursive: true, force: true });
    },
    kill: async (node = 1) => {
      await runScript(script, ['kill', folder, String(node)]);
    },
    pause: async (node) => {
      await runScript(script, ['pause', folder, String(node)]);
    },
    resume: async (node) => {
      await runScript(script, ['resume', folder, String(node)]);
    },
    restart: async (node = 1) => {
      await runScript(script, ['up', folder, String(node)]);
    },
  };
}

async function whatIsMissing(): Promise<Skipped | undefined> {
  const { stdout } = await runScript(script, ['missing']);
  return stdout === '' ? undefined : missingService('Kafka', stdout.trim());
}

async function startOwn(
  port: number,
  nodes: number,
  env: Readonly<Record<string, string>>,
): Promise<{ folder: string; port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-kafka-'));
  try {
    await runScript(script, ['start', folder, String(port), String(nodes)], {
      env: { ...env, KAFKA_OWNER: String(process.pid) },
    });
    return { folder, port };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function secureListeners(folder: string, at: (offset: number) => string[]): SecureListeners {
  return {
    saslSsl: at(2),
    saslPlaintext: at(3),
    ssl: at(4),
    caFile: join(folder, 'tls', 'ca.pem'),
    certFile: join(folder, 'tls', 'client.pem'),
    keyFile: join(folder, 'tls', 'client-key.pem'),
    user: 'app',
    password: 'app-secret',
    limited: { user: 'limited', password: 'limited-secret' },
  };
}

/** Kafka wants its ports named beforehand, so another process may be quicker: then again. */
async function onFreePorts<T>(nodes: number, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePortRange(nodes * PORTS_PER_NODE));
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('Address already in use');
      if (!taken || attempt === START_ATTEMPTS_MAX) throw error;
    }
  }
}

/** The first of `count` free ports in a row, below those that the system gives out by itself. */
async function freePortRange(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const first = 20_000 + Math.floor(Math.random() * 1_000) * 10;
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map((port) => isPortFree(port)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row between 20000 and 30000`);
}
