/**
 * The configuration as code reads it: complete, frozen, every default filled in. What users write is
 * `Options` (config/schema.ts). Needs no package, so that the gateway can import it.
 * Units stand last in each name: Ms milliseconds, Bytes bytes.
 */

import type { AnalysisConfig } from './analysis-types.ts';
import type { Address, ListenerConfig, UpstreamTlsConfig } from './listener-types.ts';
import type { RedactionConfig, RouteRedactionConfig } from './redaction-types.ts';

export type { AnalysisConfig, AnalysisProfile, MarginsConfig } from './analysis-types.ts';

export type {
  Address,
  CertificateFiles,
  Endpoint,
  InsertConfig,
  InsertMode,
  ListenerConfig,
  ListenerTlsConfig,
  ProxyEntryConfig,
  ServerNameConfig,
  UnixAddress,
  UpstreamConfig,
  UpstreamTlsConfig,
} from './listener-types.ts';

export type {
  HmacKeyConfig,
  QueryRuleConfig,
  RedactAction,
  RedactionConfig,
  RedactionRuleConfig,
  RouteRedactionConfig,
} from './redaction-types.ts';

export interface Config {
  /** Name of this instance; with the process name it stamps each pair (`scoring-7c9f/gw0`). */
  readonly instance: string;
  /** The experiment that pairs belong to. */
  readonly experiment: string;
  /** Absolute path, mode 0700: what the processes of an instance share. */
  readonly runDir: string;
  /** Absolute path, mode 0700: journal, admin token. Mirror's and admin's alone. */
  readonly dataDir: string;
  readonly listeners: readonly ListenerConfig[];
  readonly gateway: GatewayConfig;
  readonly routes: readonly RouteConfig[];
  readonly candidates: readonly CandidateConfig[];
  readonly mirror: MirrorConfig;
  readonly redaction: RedactionConfig;
  readonly journal: JournalConfig;
  /** `null`: no Kafka; the journal alone is the sink. */
  readonly kafka: KafkaConfig | null;
  readonly analysis: AnalysisConfig;
  readonly admin: AdminConfig;
  readonly metrics: MetricsConfig;
  readonly log: LogConfig;
}

export interface GatewayConfig {
  /** Gateway processes, 1 to 64. */
  readonly processes: number;
  /** Where `/livez` and `/readyz` of the gateways are served; `null`: nowhere. */
  readonly health: Address | null;
  /** For all addresses of an incumbent that are tried together. */
  readonly connectTimeoutMs: number;
  /** Time limits of a connection, each by what it is at: see gateway/time-limits.ts. 0: no limit. */
  readonly idleTimeoutMs: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly bodyMinBytesPerSecond: number;
  readonly answerTimeoutMs: number;
  readonly slowReaderTimeoutMs: number;
  readonly tunnelTimeoutMs: number;
  /** An incumbent's name is looked up again at least so often; earlier where its TTL is shorter. */
  readonly resolveIntervalMs: number;
  /** An address of an incumbent that gave no connection is passed over for so long. */
  readonly skipAddressMs: number;
  /** Open downstream connections of one gateway process; the next is answered 503. */
  readonly maxConnections: number;
  /** Request bytes kept for mirroring, an exchange; past it the exchange is `shed(request_too_large)`. */
  readonly maxRequestBytes: number;
  /** Answer bytes kept for mirroring, an exchange; past it `shed(answer_too_large)`. */
  readonly maxAnswerBytes: number;
  /** Bytes kept for mirroring in one gateway process; past it `shed(gateway_memory)`. */
  readonly maxHeldBytes: number;
  /** Bytes queued on the wire to the mirror; past it `shed(wire_full)`. */
  readonly maxWireBytes: number;
  /** A request that cannot be framed without doubt is passed on uncopied, or refused before any byte of it goes on. */
  readonly ambiguous: 'relay' | 'reject';
  /** Longest head (request or answer) that is followed; a longer one makes the connection opaque. */
  readonly maxHeadBytes: number;
  /** Requests owed an answer on one connection; more make it opaque. */
  readonly maxPipelined: number;
  /** Hours with traffic that both ledgers keep apart, 2 to 2,400; what is older is counted as one. */
  readonly ledgerHours: number;
  /** How long a drain waits for open exchanges before it closes them. */
  readonly drainTimeoutMs: number;
  /** While it drains, a connection without an exchange is ended when no byte has come for so long. */
  readonly drainIdleMs: number;
  /** A gateway that has not answered its status socket for so long is replaced. */
  readonly heartbeatTimeoutMs: number;
}

export interface RouteConfig {
  /** Label on pairs and metrics. */
  readonly name: string;
  /** Upper case. */
  readonly methods: readonly string[];
  /** `/v1/score`, `/v1/models/{name}/score` (a segment), `/v1/*` (the rest). */
  readonly path: string;
  /** How the incumbent's answer is read. */
  readonly prediction: PredictionConfig;
  /** JSON Pointers of the request body whose values are stored with the pair. */
  readonly capture: readonly string[];
  /** JSON Pointer of the request body whose value becomes the pair's `join`; empty: none. */
  readonly join: string;
  readonly sampling: SamplingConfig;
  readonly compare: CompareConfig;
  readonly redact: RouteRedactionConfig;
}

/** Which share of a route's exchanges is copied, before the candidates' rates. */
export interface SamplingConfig {
  /** JSON Pointer of the request value that selection hashes; empty: the exchange id. */
  readonly key: string;
  /** Name of a request header, lower case, whose value selection hashes instead; empty: none. */
  readonly keyHeader: string;
  /** Share of what no rule matches, 0 to 1: the rule `default`. */
  readonly share: number;
  /** The first that matches counts. */
  readonly rules: readonly SamplingRuleConfig[];
}

export interface SamplingRuleConfig {
  /** Stands on the pair as `selection.rule`. */
  readonly id: string;
  /** Name of a request header, or … */
  readonly header: string;
  /** … JSON Pointer into the request body; one of the two is empty. */
  readonly pointer: string;
  /** Values that match, as text. */
  readonly equals: readonly string[];
  /** 0 to 1; the probability of a copy is this times the candidate's rate. */
  readonly share: number;
}

/** How the two answers of a pair are compared. */
export interface CompareConfig {
  /** Scores further apart (absolute) are outside tolerance; `null`: `mirror.tolerance`. */
  readonly tolerance: number | null;
  /** … or further apart than this share of the larger magnitude, whichever allows more. */
  readonly relativeTolerance: number;
  /** Whether answers are compared as documents, too. */
  readonly structure: boolean;
  /** JSON Pointers that this leaves out, `*` for any one token. */
  readonly ignore: readonly string[];
}

/** Where predictions stand in a JSON answer. RFC 6901 pointers; an empty string means "not there". */
export interface PredictionConfig {
  /** Pointer to the array of a batch; empty: the answer is one prediction. The others start at its elements. */
  readonly items: string;
  readonly score: string;
  readonly label: string;
  /** From the root of the answer, also in a batch. */
  readonly modelVersion: string;
  /** By which the elements of two batches are matched; empty: by position. */
  readonly id: string;
  /** List or object of the probabilities of classes. */
  readonly classes: string;
}

export type CandidateConfig = HttpCandidateConfig | OnnxCandidateConfig;

interface CandidateBase {
  /** Letters, digits, `-`, `_`; at most 40 characters. Part of pair ids, metric labels, socket names. */
  readonly name: string;
  /** Names of the routes it gets copies of. */
  readonly routes: readonly string[];
  /** Rate before anyone has set one, 0 to 1. */
  readonly rate: number;
  /** From dispatch to the last answer byte. */
  readonly timeoutMs: number;
  /** Copies in flight; more wait in the queue. */
  readonly maxInFlight: number;
  readonly maxAnswerBytes: number;
  /** Copies a second until an operator sets another cap, a token bucket; 0: none. Past it `shed(request_rate)`. */
  readonly maxRequestsPerSecond: number;
  /** Copies a UTC day; 0: no budget. Past it `shed(daily_budget)`. */
  readonly maxRequestsPerDay: number;
  /** The first so many copies to a fresh candidate are flagged `warm_up`. */
  readonly warmUpRequests: number;
  /** `null`: the ceiling is `maxInFlight`. */
  readonly adaptive: AdaptiveConfig | null;
  /** `null`: a sick candidate goes on getting copies. */
  readonly breaker: BreakerConfig | null;
  /** How its answer is read; the route's where `null`. */
  readonly prediction: PredictionConfig | null;
}

/** In flight as many as the candidate answers within an objective: additive increase, multiplicative decrease. */
export interface AdaptiveConfig {
  /** Service time, dispatch to last byte, that its answers should keep. */
  readonly latencyMs: number;
  /** The ceiling never falls below it, nor rises over `maxInFlight`. */
  readonly minInFlight: number;
}

/** When a candidate counts as sick, and how it is tried again. */
export interface BreakerConfig {
  /** Share of failures in the window at which it opens, above 0, at most 1. */
  readonly failureRate: number;
  /** Verdicts that the window needs before it can open. */
  readonly minRequests: number;
  readonly windowMs: number;
  /** Time until it is tried again; doubled for each trial that fails, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Live copies that have to succeed before it closes. */
  readonly probes: number;
}

export interface HttpCandidateConfig extends CandidateBase {
  readonly kind: 'http';
  /** Origin, and a base path that goes before the mapped path. `http:` or `https:`. */
  readonly url: string;
  /** Request path at the incumbent → path at the candidate; unlisted paths stay as they are. */
  readonly paths: Readonly<Record<string, string>>;
  /** `Host` of the copies; empty: the URL's. */
  readonly host: string;
  /** Addresses, networks and names it may have although no candidate should: see mirror/candidates/forbidden-addresses.ts. */
  readonly allowAddresses: readonly string[];
  readonly headers: readonly HeaderConfig[];
  /** `null`: in plain. */
  readonly tls: UpstreamTlsConfig | null;
}

/** A header set on every copy: a fixed value, or the content of a file (re-read on change, trimmed). */
export type HeaderConfig =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly file: string };

export interface OnnxCandidateConfig extends CandidateBase {
  readonly kind: 'onnx';
  /** Absolute path of the `.onnx` file. */
  readonly model: string;
  readonly modelVersion: string;
  readonly inputs: readonly OnnxInputConfig[];
  /** Name of the probability output, float32 [N, classes]. */
  readonly output: string;
  /** Column of `output` that is the score. */
  readonly scoreColumn: number;
  /** Score at or above it = `labels[1]`, below = `labels[0]`. */
  readonly threshold: number;
  readonly labels: readonly [string, string];
}

/** One named model input, [N, 1], taken from the request by JSON Pointer. */
export interface OnnxInputConfig {
  readonly name: string;
  readonly pointer: string;
  readonly type: 'float32' | 'string';
}

export interface MirrorConfig {
  /** Whether mirroring is on before anyone has switched it. */
  readonly enabled: boolean;
  /** File that holds the experiment's selection secret; empty: one is made in the run folder. */
  readonly selectionSecretFile: string;
  /** Bytes of exchanges held by the mirror, queued and in flight; past it `shed(mirror_memory)`. */
  readonly maxQueuedBytes: number;
  /** A copy that waited longer than this for dispatch is `shed(queue_age)`. */
  readonly maxQueueAgeMs: number;
  /** Bytes of one decoded body; past it `undecodable(too_large)`. */
  readonly maxDecodedBytes: number;
  /** Decoded over encoded bytes of one body; past it `undecodable(ratio)`. */
  readonly maxDecodedRatio: number;
  /** Bytes that parsed bodies may take, at LIMITS.parseFactor a byte; past it `shed(parse_budget)`. */
  readonly maxParseBytes: number;
  /** Share of the heap's limit from which mirroring is scaled down, and at which it stops. */
  readonly pressureFrom: number;
  readonly pressureFull: number;
  /** Scores further apart than this (absolute) are outside tolerance. */
  readonly tolerance: number;
}

/**
 * What a full journal does. `drop_newest`: what cannot be taken in is dropped, what is there stays. `drop_oldest`: the
 * oldest pairs leave, published and analysed or not.
 */
export type WhenFull = 'drop_newest' | 'drop_oldest';

export interface JournalConfig {
  /** Size of the journal on disk; past it `whenFull` says what gives way. */
  readonly maxBytes: number;
  readonly whenFull: WhenFull;
  /** Pairs stay at least so long (published, too), for `pairs`, the summary and the analysis. */
  readonly retentionMs: number;
  /** Older pairs leave, published, analysed or not; 0: no such limit, else at least `retentionMs`. */
  readonly maxAgeMs: number;
  /** Bytes between mirror and recorder that are not yet on disk; past it `journal_dropped(recorder_stalled)`. */
  readonly maxPendingBytes: number;
}

export interface KafkaConfig {
  /** `host:port` */
  readonly brokers: readonly string[];
  readonly pairsTopic: string;
  readonly accountingTopic: string;
  /** Make missing topics. */
  readonly createTopics: boolean;
  readonly partitions: number;
  readonly replication: number;
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly sendTimeoutMs: number;
  readonly accountingIntervalMs: number;
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** Pairs of one batch, at most; it also ends at `maxMessageBytes`. */
  readonly maxBatchPairs: number;
  /** How long the first pair of a batch waits for company; 0: not at all. */
  readonly lingerMs: number;
  /** `null`: plain TCP. */
  readonly tls: KafkaTlsConfig | null;
  /** `null`: no authentication, or that of the client certificate. */
  readonly sasl: KafkaSaslConfig | null;
}

/** PEM files, absolute paths; they are read anew for each connection. */
export interface KafkaTlsConfig {
  /** Authorities that may vouch for the brokers; empty: those that Node.js knows. */
  readonly caFile: string;
  /** The client certificate; empty: none. */
  readonly certFile: string;
  /** Its key. */
  readonly keyFile: string;
  /** The name in the brokers' certificates; empty: the host each is reached at. */
  readonly serverName: string;
}

export interface KafkaSaslConfig {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  /** Absolute path; its text, trimmed, is the password. Read anew for each connection. */
  readonly passwordFile: string;
}

export interface AdminConfig {
  readonly address: Address;
  /** File of the bearer token, mode 0600; made on first start in the data folder where empty. */
  readonly tokenFile: string;
}

export interface MetricsConfig {
  /** `null`: no metrics listener. */
  readonly address: Address | null;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

/** What operators set at run time. */
export interface SettingsState {
  readonly enabled: boolean;
  /** Candidate name → rate, 0 to 1. A candidate that is missing has its configured rate. */
  readonly rates: Readonly<Record<string, number>>;
  /** Candidate name → copies a second, 0: no cap. A candidate that is missing has its configured cap. */
  readonly requestsPerSecond: Readonly<Record<string, number>>;
}

/** Run-time settings, as written by admin to `settings.json` in the run folder. */
export interface Settings extends SettingsState {
  /** Counts up with each change, and with the end of one that was made for a time; 0 = nobody has changed any. */
  readonly version: number;
  readonly changed: SettingsChange | null;
  /** The change is for a time: at its end these are in force, as `version` + 1. `null`: for good. */
  readonly expiry: SettingsExpiry | null;
  /** What was in force before the change, for `rate undo`; `null` where nobody has changed any. */
  readonly previous: SettingsState | null;
}

/** The end of a change that was made for a time. */
export interface SettingsExpiry {
  /** Wall clock, ISO 8601, UTC: it holds over restarts, in every process of the host alike. */
  readonly at: string;
  readonly to: SettingsState;
}

export interface SettingsChange {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}
