/**
 * Every limit and every default, named once. Needs no package, so that each room can read it.
 * The configurable ones are documented in docs/configuration.md, which a test holds against this file.
 */

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** What a configuration file need not say. Keys follow `Config`. */
export const DEFAULTS = {
  experiment: 'default',
  runDir: '.understudy/run',
  dataDir: '.understudy/data',
  listener: { name: 'main', host: '127.0.0.1' },
  gateway: {
    processes: 1,
    health: null,
    connectTimeoutMs: 3_000,
    maxConnections: 10_000,
    maxRequestBytes: 1 * MiB,
    maxAnswerBytes: 1 * MiB,
    maxHeldBytes: 256 * MiB,
    maxWireBytes: 64 * MiB,
    maxHeadBytes: 64 * KiB,
    maxPipelined: 100,
    drainTimeoutMs: 30_000,
    heartbeatTimeoutMs: 10_000,
  },
  route: {
    methods: ['POST'],
    prediction: { items: '', score: '/score', label: '/label', modelVersion: '/model_version' },
  },
  candidate: { rate: 1, timeoutMs: 2_000, maxInFlight: 64, maxAnswerBytes: 1 * MiB },
  onnx: { scoreColumn: 1, threshold: 0.5, labels: ['0', '1'] },
  mirror: {
    enabled: true,
    selectionSecretFile: '',
    maxQueuedBytes: 64 * MiB,
    maxQueueAgeMs: 5_000,
    maxDecodedBytes: 4 * MiB,
    tolerance: 1e-6,
  },
  journal: { maxBytes: 4 * GiB, retentionMs: 24 * 3_600_000, maxPendingBytes: 32 * MiB },
  kafka: {
    pairsTopic: 'understudy.pairs',
    accountingTopic: 'understudy.accounting',
    createTopics: false,
    partitions: 6,
    replication: 1,
    retentionMs: 7 * 24 * 3_600_000,
    maxMessageBytes: 1_000_000,
    sendTimeoutMs: 30_000,
    accountingIntervalMs: 10_000,
  },
  admin: { host: '127.0.0.1', port: 9901, tokenFile: '' },
  metrics: { host: '127.0.0.1', port: 9902 },
  log: { level: 'info' },
} as const;

/** Limits that are not configurable, each with its reason. */
export const LIMITS = {
  /** Kernel's limit of a Unix socket path: sun_path, less the final NUL. */
  socketPathBytes: 107,
  /** Each process looks at settings.json and mirror.off so often: a change is in force within 1 s. */
  settingsPollMs: 250,
  /** The cumulative ledger travels to the mirror at least so often, idle too. */
  ledgerIntervalMs: 100,
  /** Reconnect of a gateway to the mirror's socket. */
  wireReconnectMs: 100,
  /** A hello or ledger message; cells × about 100 bytes, a month of hours and 4 routes fit. */
  wireJsonBytes: 16 * MiB,
  /** Accept backlog: Node's 511 overflows when many callers connect at once (1 s stalls). */
  listenBacklog: 4_096,
  /** Restart of a killed child: first wait, doubling up to the second. */
  restartMinMs: 100,
  restartMaxMs: 10_000,
  /** A status answer, and how long a reader waits for it. */
  statusBytes: 16 * MiB,
  statusTimeoutMs: 1_000,
  /** Readers of one status socket at once, and bytes of a request line. */
  statusReaders: 32,
  statusRequestBytes: 64,
  /** Log lines waiting for a reader that does not read; the next is dropped and counted. */
  logQueueBytes: 1 * MiB,
  /** A log line: PIPE_BUF of Linux, which a pipe takes whole or not at all. Its texts, each. */
  logLineBytes: 4_096,
  logTextCharacters: 1_000,
  /** How soon a writer looks again whether the reader of its log has read. */
  logRetryMs: 50,
  /** settings.json: 16 candidates and a reason fit many times. */
  settingsBytes: 64 * KiB,
  /** Selection secret: a shorter one could be guessed from published pairs. */
  secretCharactersMin: 16,
  secretCharactersMax: 1_024,
  /** Candidates, routes, listeners: they are metric labels. */
  candidates: 16,
  routes: 64,
  listeners: 16,
  /** A configuration file: one of a hundred routes has about 20 KiB. */
  configBytes: 1 * MiB,
  /** JSON Pointers a route captures, headers a candidate is sent, inputs of a model. */
  capturedPointers: 64,
  candidateHeaders: 64,
  onnxInputs: 1_024,
  /** A request to a model process, as sent and decoded, and how many may be open at once. */
  scoreBodyBytes: 4 * MiB,
  scoreOpenRequests: 1_024,
  /** A request to a model process must have arrived within this time. */
  scoreRequestMs: 10_000,
  /** A model process without a model looks at its file so often. */
  modelPollMs: 500,
  /** Characters of an error that is shown to an operator or a caller. */
  errorCharacters: 300,
  /** Characters of a reason, an operator's name. */
  reasonCharacters: 500,
} as const;
