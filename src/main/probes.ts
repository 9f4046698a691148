/**
 * What `understudy check` tries for real, without changing anything: names, ports, connections, files,
 * folders, models. Each probe is bounded by `LIMITS.probeMs`, and all run at once.
 */
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { accessSync, constants, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, parseAddress } from '../config/address.ts';
import { LIMITS } from '../config/defaults.ts';
import type {
  Address,
  CandidateConfig,
  Config,
  Endpoint,
  HttpCandidateConfig,
  KafkaConfig,
  ListenerConfig,
  OnnxCandidateConfig,
  UpstreamConfig,
} from '../config/types.ts';
import { type ErrorCode, UnderstudyError } from '../errors.ts';
import { ForbiddenAddresses, forbidden } from '../mirror/candidates/forbidden-addresses.ts';
import { readHmacKey } from '../mirror/redaction/hmac-keys.ts';
import { FileAuthenticator } from '../record/kafka/kafka-security.ts';
import { inspectTopics } from '../record/kafka/kafka-topics.ts';
import { bindListeners } from './listening-sockets.ts';
import type { Role } from './process-plan.ts';
import { listenerCertificateFaults, tryTlsWith } from './tls-probes.ts';

/** Something that would not work. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  /** It works, and not quite as configured. */
  readonly warning?: true;
  /** `serve` would not start with it. */
  readonly fatal?: true;
}

/**
 * @param options.held - `null`: this very instance does not run; else the ports that it holds, rightly: only others are
 *   tried. Of its health listener nobody says the port, so that is not tried then
 * @returns what would not work, in the order of the configuration
 */
export async function probeAll(
  config: Config,
  options: { readonly role: Role; readonly held: ReadonlySet<number> | null },
): Promise<Finding[]> {
  const { role, held } = options;
  const isFree = (address: Endpoint): boolean =>
    held === null || ('port' in address && !held.has(address.port));
  const probes: Promise<Finding[]>[] = [];
  if (role !== 'backstage') {
    const health = held !== null || config.gateway.health === null ? [] : [config.gateway.health];
    const listening = config.listeners.map(({ address }) => address).filter(isFree);
    probes.push(probeListeners([...listening, ...health]));
    for (const listener of config.listeners) {
      const faults = listenerCertificateFaults(listener);
      probes.push(
        Promise.resolve(faults.flatMap((fault) => found('UND_TLS_FILE', fault)).map(toFatal)),
      );
      for (const incumbent of incumbentsOf(listener)) {
        probes.push(probeIncumbent(listener.name, incumbent));
      }
    }
  }
  if (role !== 'gateway') {
    probes.push(...backstageAddresses(config).filter(isFree).map(probeAddress));
    probes.push(...config.candidates.map(probeCandidate));
    if (config.kafka !== null) probes.push(probeKafka(config.kafka));
    probes.push(Promise.resolve(probeKeys(config)));
    probes.push(Promise.resolve(probeFolder(config.dataDir, 'UND_DATA_FOLDER')));
    probes.push(Promise.resolve(probeFile(config.admin.tokenFile, 'UND_ADMIN_TOKEN')));
  }
  probes.push(Promise.resolve(probeFolder(config.runDir, 'UND_RUN_FOLDER').map(toFatal)));
  probes.push(
    Promise.resolve(probeFile(config.mirror.selectionSecretFile, 'UND_SELECTION_SECRET')),
  );
  return (await Promise.all(probes)).flat();
}

interface Incumbent {
  readonly endpoint: Endpoint;
  readonly upstream: UpstreamConfig;
}

/** The listener's own, then those of its server names. */
function incumbentsOf({ incumbent, upstream, tls }: ListenerConfig): Incumbent[] {
  const named = (tls?.names ?? []).flatMap(({ incumbent: endpoint, upstream: how }) => {
    return endpoint === null ? [] : [{ endpoint, upstream: how }];
  });
  return [{ endpoint: incumbent, upstream }, ...named];
}

function found(code: ErrorCode, message: string): Finding[] {
  return [{ code, message }];
}

/** One by one, so that each that is taken is named. */
async function probeListeners(addresses: readonly Endpoint[]): Promise<Finding[]> {
  return (await Promise.all(addresses.map(probeAddress))).flat().map(toFatal);
}

function toFatal(finding: Finding): Finding {
  return { ...finding, fatal: true };
}

function backstageAddresses({ admin, metrics }: Config): Address[] {
  return metrics.address === null ? [admin.address] : [admin.address, metrics.address];
}

async function probeAddress(address: Endpoint): Promise<Finding[]> {
  if ('path' in address) return probeListeningPath(address.path);
  const listeners = [{ name: 'probe', address }];
  try {
    // A port that is bound and not listened to is refused to nobody and free again at once.
    const sockets = await bindListeners(
      { listeners, gateway: { health: null } },
      { patienceMs: 0 },
    );
    for (const socket of sockets) socket.close();
    return [];
  } catch (error) {
    if (error instanceof UnderstudyError) return found(error.code, error.message);
    throw error;
  }
}

/** Binding would leave a file or remove one: it is only looked at. */
async function probeListeningPath(path: string): Promise<Finding[]> {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    const file = statSync(path, { throwIfNoEntry: false });
    if (file === undefined) return [];
    if (!file.isSocket()) return found('UND_LISTEN_FAILED', `${path} is there and no socket.`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return found('UND_LISTEN_FAILED', `Cannot listen on unix:${path}: ${reason}.`);
  }
  if ((await tryToConnect({ path })) !== 'connected') return [];
  return found('UND_LISTEN_FAILED', `Another process listens on unix:${path}.`);
}

async function probeIncumbent(
  listener: string,
  { endpoint, upstream }: Incumbent,
): Promise<Finding[]> {
  const outcome = await tryToConnect(endpoint);
  const what = `The incumbent ${formatAddress(endpoint)} of listener ${listener}`;
  switch (outcome) {
    case 'connected': {
      const { tls, proxyProtocol } = upstream;
      if (tls === null) return [];
      const cause = await tryTlsWith(endpoint, { tls, proxyProtocol });
      if (cause === null) return [];
      const { code, detail = '' } = cause;
      return found(code, `${what} is not spoken to in TLS (${detail}): callers would get 502.`);
    }
    case 'unresolved':
      return found('UND_INCUMBENT_UNRESOLVED', `${what} does not resolve: callers would get 502.`);
    case 'timeout':
      return found(
        'UND_INCUMBENT_TIMEOUT',
        `${what} did not accept a connection within ${LIMITS.probeMs} ms: callers would get 504.`,
      );
    default:
      return found(
        'UND_INCUMBENT_REFUSED',
        `${what} refuses connections (${outcome}): callers would get 502.`,
      );
  }
}

function probeCandidate(candidate: CandidateConfig): Promise<Finding[]> {
  return candidate.kind === 'onnx' ? probeModel(candidate) : probeHttpCandidate(candidate);
}

async function probeHttpCandidate(candidate: HttpCandidateConfig): Promise<Finding[]> {
  const files = candidate.headers.flatMap((header) =>
    'file' in header ? probeFile(header.file, 'UND_HEADER_FILE') : [],
  );
  const url = new URL(candidate.url);
  const fault = await forbiddenFault(candidate, url.hostname);
  if (fault !== '') return [...files, ...found('UND_CANDIDATE_ADDRESS', fault)];
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const endpoint = { host: url.hostname.replace(/^\[|\]$/g, ''), port };
  const outcome = await tryToConnect(endpoint);
  if (outcome === 'connected') return [...files, ...(await probeCandidateTls(candidate, endpoint))];
  const message = `The candidate ${candidate.name} at ${candidate.url} cannot be reached (${outcome}).`;
  return [...files, ...found('UND_CANDIDATE_UNREACHABLE', message)];
}

async function probeCandidateTls(
  { name, url, tls }: HttpCandidateConfig,
  endpoint: Endpoint,
): Promise<Finding[]> {
  if (tls === null) return [];
  const cause = await tryTlsWith(endpoint, { tls, proxyProtocol: 'off' });
  if (cause === null) return [];
  const message = `The candidate ${name} at ${url} is not spoken to in TLS (${cause.detail ?? ''}).`;
  return found('UND_CANDIDATE_UNREACHABLE', message);
}

/** Why it will not be connected to; empty: it will. */
async function forbiddenFault(
  { name, allowAddresses }: HttpCandidateConfig,
  host: string,
): Promise<string> {
  const addresses = new ForbiddenAddresses(allowAddresses);
  const fault = (error: Error): string => `The candidate ${name}: ${error.message}.`;
  if (addresses.hasHost(host)) return fault(forbidden(host));
  const resolved = await lookup(host, { all: true }).catch(() => []);
  const bad = addresses.findIn(host, resolved);
  return bad === undefined ? '' : fault(forbidden(host, bad));
}

/** Whether each key can be used, those of earlier values, too. */
function probeKeys({ redaction }: Config): Finding[] {
  return redaction.keys.flatMap(({ id, file }) => {
    try {
      readHmacKey(file);
      return [];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return found('UND_HMAC_KEY', `The key ${id} of redaction cannot be used: ${reason}.`);
    }
  });
}

async function probeModel(candidate: OnnxCandidateConfig): Promise<Finding[]> {
  const program = join(import.meta.dirname, `probe-model${extname(import.meta.filename)}`);
  const { code, message } = await runModelProbe(program, JSON.stringify(candidate));
  if (code === '') return [];
  const known: ErrorCode =
    code === 'UND_MODEL_MISSING' || code === 'UND_MODEL_INPUTS' ? code : 'UND_MODEL_INVALID';
  return found(known, `The candidate ${candidate.name}: ${message}.`);
}

function runModelProbe(
  program: string,
  input: string,
): Promise<{ readonly code: string; readonly message: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: LIMITS.probeModelMs,
      killSignal: 'SIGKILL',
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(0, 10_000);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', (error) => resolve({ code: 'UND_MODEL_INVALID', message: error.message }));
    child.on('close', (code, signal) => {
      try {
        const { code: fault, message } = JSON.parse(text);
        resolve({ code: String(fault), message: String(message) });
      } catch {
        const how = signal ?? `code ${code}`;
        resolve({
          code: 'UND_MODEL_INVALID',
          message: `the process that loaded it ended (${how})`,
        });
      }
    });
  });
}

/** One broker that answers is enough: it knows the others. Then who we are, and the topics. */
async function probeKafka(kafka: KafkaConfig): Promise<Finding[]> {
  const { brokers } = kafka;
  const outcomes = await Promise.all(
    brokers.map((broker) => tryToConnect(parseAddress(broker) ?? { host: broker, port: 9092 })),
  );
  if (outcomes.includes('connected')) return probeTopics(kafka);
  const tried = brokers.map((broker, i) => `${broker} ${outcomes[i]}`).join(', ');
  return found('UND_KAFKA_UNREACHABLE', `No Kafka broker can be reached: ${tried}.`);
}

async function probeTopics(kafka: KafkaConfig): Promise<Finding[]> {
  const timeout = new AbortController();
  const late = sleep(LIMITS.probeKafkaMs, 'late' as const, { signal: timeout.signal });
  try {
    const differences = await Promise.race([
      inspectTopics(kafka, new FileAuthenticator(kafka)),
      late,
    ]);
    if (differences === 'late') {
      return found('UND_KAFKA_TIMEOUT', `Kafka did not answer within ${LIMITS.probeKafkaMs} ms.`);
    }
    const code = 'UND_KAFKA_TOPIC_DIFFERS';
    return differences.map((message) => ({ code, message, warning: true }));
  } catch (error) {
    if (error instanceof UnderstudyError) return found(error.code, error.message);
    throw error;
  } finally {
    late.catch(() => undefined);
    timeout.abort();
  }
}

/** `connected`, `unresolved`, `timeout`, or the system's code of the failure. */
async function tryToConnect(endpoint: Endpoint): Promise<string> {
  try {
    if ('host' in endpoint) await lookup(endpoint.host);
  } catch {
    return 'unresolved';
  }
  return new Promise((resolve) => {
    const socket = connect({ ...endpoint });
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end('timeout'), LIMITS.probeMs);
    socket.on('connect', () => end('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'failed'));
  });
}

/** A folder, or where there is none yet, the nearest one above it: it would be made there. */
function probeFolder(path: string, code: 'UND_RUN_FOLDER' | 'UND_DATA_FOLDER'): Finding[] {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      if (!statSync(folder).isDirectory()) return found(code, `${folder} is not a folder.`);
      accessSync(folder, constants.W_OK | constants.X_OK);
      return [];
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (reason === 'ENOENT' && folder !== dirname(folder)) continue;
      return found(code, `The folder ${path} cannot be written: ${reason} at ${folder}.`);
    }
  }
}

/** A file that is named must be readable; an empty path names none. */
function probeFile(path: string, code: ErrorCode): Finding[] {
  if (path === '') return [];
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return found(code, `The file ${path} cannot be read: ${reason}.`);
  }
}
