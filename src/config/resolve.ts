/** From what users wrote, checked and complete, to what code reads. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isSecure, parseAddress, parseEndpoint, parseIncumbent } from './address.ts';
import { ANALYSIS_PROFILES, GUARDRAIL_PRESETS, LABELS_DEFAULTS } from './analysis-defaults.ts';
import { DEFAULTS } from './defaults.ts';
import type { CompleteOptions } from './schema.ts';
import type {
  Address,
  AnalysisConfig,
  CandidateConfig,
  CertificateFiles,
  Config,
  Endpoint,
  HeaderConfig,
  KafkaConfig,
  ListenerConfig,
  ListenerTlsConfig,
  RedactionConfig,
  RouteConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from './types.ts';

type CandidateOptions = CompleteOptions['candidates'][number];
type ListenerOptions = CompleteOptions['listeners'][number];
type ListenerTlsOptions = NonNullable<ListenerOptions['tls']>;
type HttpOptions = Extract<CandidateOptions, { kind: 'http' }>;

/**
 * @param options - passed the schema and the cross checks
 * @param folder - absolute; relative paths start here
 * @returns frozen to its depths
 */
export function resolveConfig(options: CompleteOptions, folder: string): Config {
  const { listeners, gateway, routes, candidates, mirror, admin, metrics } = options;
  const inFolder = (path: string): string => (path === '' ? '' : resolve(folder, path));
  const routeNames = routes.map((route) => route.name);
  return deepFreeze({
    instance: options.instance ?? hostName(),
    experiment: options.experiment,
    runDir: inFolder(options.runDir),
    dataDir: inFolder(options.dataDir),
    listeners: listeners.map((options) => resolveListener(options, inFolder)),
    gateway: { ...gateway, health: gateway.health === null ? null : listenAddress(gateway.health) },
    routes: routes.map(resolveRoute),
    candidates: candidates.map((c) => resolveCandidate(c, routeNames, inFolder)),
    mirror: { ...mirror, selectionSecretFile: inFolder(mirror.selectionSecretFile) },
    redaction: resolveRedaction(options.redaction, inFolder),
    journal: options.journal,
    kafka: options.kafka === null ? null : resolveKafka(options.kafka, inFolder),
    analysis: resolveAnalysis(options.analysis),
    admin: { address: listenAddress(admin.listen), tokenFile: inFolder(admin.tokenFile) },
    metrics: { address: metrics === null ? null : listenAddress(metrics.listen) },
    log: options.log,
  });
}

type InPlace = (endpoint: Endpoint | null, written: string | number) => Endpoint;

function resolveListener(
  options: ListenerOptions,
  inFolder: (path: string) => string,
): ListenerConfig {
  const { name, listen, incumbent, upstream, tls, insert } = options;
  const { proxyProtocol, proxyTimeoutMs, proxySources } = options;
  const inPlace: InPlace = (endpoint, written) => {
    const known = knownEndpoint(endpoint, written);
    return 'path' in known ? { path: inFolder(known.path) } : known;
  };
  return {
    name,
    address: inPlace(parseEndpoint(String(listen), DEFAULTS.listener.host), listen),
    incumbent: inPlace(parseIncumbent(incumbent), incumbent),
    upstream: resolveUpstream(incumbent, upstream, inFolder),
    tls: tls === null ? null : resolveTls(tls, inFolder, inPlace),
    insert,
    proxy: proxyProtocol === 'off' ? null : { timeoutMs: proxyTimeoutMs, sources: proxySources },
  };
}

function resolveTls(
  options: ListenerTlsOptions,
  inFolder: (path: string) => string,
  inPlace: InPlace,
): ListenerTlsConfig {
  const files = <T extends CertificateFiles>(part: T): T => {
    return { ...part, certFile: inFolder(part.certFile), keyFile: inFolder(part.keyFile) };
  };
  return {
    ...files(options),
    clientCaFile: inFolder(options.clientCaFile),
    minVersion: String(options.minVersion) === '1.3' ? '1.3' : '1.2',
    names: options.names.map(({ serverNames, incumbent, upstream, ...rest }) => ({
      ...files(rest),
      upstream: resolveUpstream(incumbent ?? '', upstream, inFolder),
      serverNames: serverNames.map((name) => name.toLowerCase()),
      incumbent: incumbent === undefined ? null : inPlace(parseIncumbent(incumbent), incumbent),
    })),
  };
}

/** Values are compared as text, and what is not written is empty. */
function resolveRoute(route: CompleteOptions['routes'][number]): RouteConfig {
  const rules = route.sampling.rules.map(({ id, header = '', pointer = '', equals, share }) => ({
    id,
    header: header.toLowerCase(),
    pointer,
    equals: equals.map(String),
    share,
  }));
  const keyHeader = route.sampling.keyHeader.toLowerCase();
  return { ...route, sampling: { ...route.sampling, keyHeader, rules } };
}

function resolveUpstream(
  incumbent: string,
  options: ListenerOptions['upstream'],
  inFolder: (path: string) => string,
): UpstreamConfig {
  const { proxyProtocol, ...tls } = options;
  return { proxyProtocol, tls: isSecure(incumbent) ? resolvePeerTls(tls, inFolder) : null };
}

function resolvePeerTls(
  { caFile, certFile, keyFile, ...rest }: UpstreamTlsConfig,
  inFolder: (path: string) => string,
): UpstreamTlsConfig {
  return {
    ...rest,
    caFile: inFolder(caFile),
    certFile: inFolder(certFile),
    keyFile: inFolder(keyFile),
  };
}

function resolveCandidate(
  options: CandidateOptions,
  routeNames: readonly string[],
  inFolder: (path: string) => string,
): CandidateConfig {
  const routes = options.routes ?? routeNames;
  if (options.kind === 'http') {
    const tls = isSecure(options.url) ? resolvePeerTls(options.tls, inFolder) : null;
    const headers = options.headers.map((h) => resolveHeader(h, inFolder));
    return { ...options, routes, headers, tls };
  }
  const { modelVersion = options.name, model, labels, ...rest } = options;
  return { ...rest, routes, modelVersion, model: inFolder(model), labels };
}

/** Names of headers are compared in lower case. */
function resolveRedaction(
  { denyHeaders, allowHeaders, keys }: CompleteOptions['redaction'],
  inFolder: (path: string) => string,
): RedactionConfig {
  const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());
  return {
    denyHeaders: lower(denyHeaders),
    allowHeaders: allowHeaders === null ? null : lower(allowHeaders),
    keys: keys.map(({ id, file }) => ({ id, file: inFolder(file) })),
  };
}

function resolveKafka(
  options: NonNullable<CompleteOptions['kafka']>,
  inFolder: (path: string) => string,
): KafkaConfig {
  const { tls, sasl } = options;
  return {
    ...options,
    tls:
      tls === null
        ? null
        : {
            ...tls,
            caFile: inFolder(tls.caFile),
            certFile: inFolder(tls.certFile),
            keyFile: inFolder(tls.keyFile),
          },
    sasl: sasl === null ? null : { ...sasl, passwordFile: inFolder(sasl.passwordFile) },
  };
}

/** What is not written comes from the profile. */
function resolveAnalysis(options: CompleteOptions['analysis']): AnalysisConfig {
  const profile = ANALYSIS_PROFILES[options.profile];
  return {
    ...options,
    segments: options.segments.map((segment) => ({ ...segment, value: String(segment.value) })),
    margins: filled(GUARDRAIL_PRESETS[options.guardrails], options.margins),
    labels: resolveLabels(options.labels),
    gates: {
      minPairs: options.gates.minPairs ?? profile.gates.minPairs,
      minSegmentPairs: options.gates.minSegmentPairs ?? profile.gates.minSegmentPairs,
      minDurationMs: options.gates.minDurationMs ?? profile.gates.minDurationMs,
      maxDurationMs: options.gates.maxDurationMs ?? profile.gates.maxDurationMs,
      passCoverage: options.gates.passCoverage ?? profile.gates.passCoverage,
      validCoverage: options.gates.validCoverage ?? profile.gates.validCoverage,
    },
    cutMs: options.cutMs ?? profile.cutMs,
    windowMs: options.windowMs ?? profile.windowMs,
    settleMs: options.settleMs ?? profile.settleMs,
  };
}

function resolveLabels(options: CompleteOptions['analysis']['labels']): AnalysisConfig['labels'] {
  if (options === null) return null;
  return { ...options, margins: filled(LABELS_DEFAULTS.margins, options.margins) };
}

/** What is set, `null` included, else what stands for it. */
function filled<T extends object>(defaults: T, set: { readonly [K in keyof T]?: unknown }): T {
  const known = Object.entries(set).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(known) };
}

function resolveHeader(
  { name, value, file }: HttpOptions['headers'][number],
  inFolder: (path: string) => string,
): HeaderConfig {
  return file === undefined ? { name, value: value ?? '' } : { name, file: inFolder(file) };
}

function listenAddress(written: string | number): Address {
  return knownEndpoint(parseAddress(String(written), DEFAULTS.listener.host), written);
}

/** The schema has refused what does not parse. */
function knownEndpoint<T extends Endpoint>(endpoint: T | null, written: string | number): T {
  if (endpoint === null) throw new Error(`unchecked address ${written}`);
  return endpoint;
}

/** The host name, of the characters that a record may carry. */
function hostName(): string {
  return (
    hostname()
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 100) || 'understudy'
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
