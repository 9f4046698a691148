/**
 * Every limit and every default, named once. Needs no package, so that each room can read it.
 * The configurable ones are documented in docs/configuration.md, which a test holds against this file.
 */

import { ANALYSIS_DEFAULTS, ANALYSIS_LIMITS } from './analysis-defaults.ts';
import { LISTENER_DEFAULTS, PEER_TLS_DEFAULTS } from './listener-defaults.ts';
import { RECORD_LIMITS } from './record-limits.ts';
import {
  REDACTION_DEFAULTS,
  REDACTION_LIMITS,
  ROUTE_REDACTION_DEFAULTS,
} from './redaction-defaults.ts';

export {
  CREDENTIAL_HEADERS,
  CREDENTIAL_PARAMETERS,
  dashedName,
  isCredentialParameter,
} from './credential-names.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** What a configuration file need not say. Keys follow `Config`. */
export const DEFAULTS = {
  experiment: 'default',
  runDir: '.understudy/run',
  dataDir: '.understudy/data',
  listener: LISTENER_DEFAULTS,
  gateway: {
    processes: 1,
    health: null,
    connectTimeoutMs: 3_000,
    idleTimeoutMs: 900_000,
    headTimeoutMs: 30_000,
    bodyTimeoutMs: 60_000,
    bodyMinBytesPerSecond: 500,
    answerTimeoutMs: 0,
    slowReaderTimeoutMs: 120_000,
    tunnelTimeoutMs: 3_600_000,
    resolveIntervalMs: 30_000,
    skipAddressMs: 10_000,
    maxConnections: 10_000,
    maxRequestBytes: 1 * MiB,
    maxAnswerBytes: 1 * MiB,
    maxHeldBytes: 256 * MiB,
    maxWireBytes: 64 * MiB,
    ambiguous: 'relay',
    maxHeadBytes: 64 * KiB,
    maxPipelined: 100,
    ledgerHours: 192,
    drainTimeoutMs: 30_000,
    drainIdleMs: 5_000,
    heartbeatTimeoutMs: 10_000,
  },
  route: {
    methods: ['POST'],
    prediction: {
      items: '',
      score: '/score',
      label: '/label',
      modelVersion: '/model_version',
      id: '',
      classes: '',
    },
    sampling: { key: '', keyHeader: '', share: 1, rules: [] },
    compare: { tolerance: null, relativeTolerance: 0, structure: false, ignore: [] },
    redact: ROUTE_REDACTION_DEFAULTS,
  },
  candidate: {
    rate: 1,
    timeoutMs: 2_000,
    maxInFlight: 64,
    maxAnswerBytes: 1 * MiB,
    maxRequestsPerSecond: 0,
    maxRequestsPerDay: 0,
    warmUpRequests: 20,
    adaptive: null,
    breaker: {
      failureRate: 0.5,
      minRequests: 20,
      windowMs: 10_000,
      openMs: 5_000,
      maxOpenMs: 60_000,
      probes: 3,
    },
  },
  adaptive: { minInFlight: 1 },
  onnx: { scoreColumn: 1, threshold: 0.5, labels: ['0', '1'] },
  mirror: {
    enabled: true,
    selectionSecretFile: '',
    maxQueuedBytes: 64 * MiB,
    maxQueueAgeMs: 5_000,
    maxDecodedBytes: 4 * MiB,
    maxDecodedRatio: 100,
    maxParseBytes: 256 * MiB,
    pressureFrom: 0.7,
    pressureFull: 0.85,
    tolerance: 1e-6,
  },
  journal: {
    maxBytes: 4 * GiB,
    whenFull: 'drop_newest',
    retentionMs: 24 * 3_600_000,
    maxAgeMs: 0,
    maxPendingBytes: 32 * MiB,
  },
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
    compression: 'none',
    maxBatchPairs: 500,
    lingerMs: 20,
    tls: null,
    sasl: null,
  },
  analysis: ANALYSIS_DEFAULTS,
  redaction: REDACTION_DEFAULTS,
  peerTls: PEER_TLS_DEFAULTS,
  kafkaTls: { caFile: '', certFile: '', keyFile: '', serverName: '' },
  admin: { host: '127.0.0.1', port: 9901, tokenFile: '' },
  metrics: { host: '127.0.0.1', port: 9902 },
  log: { level: 'info' },
} as const;

/** Limits that are not configurable, each with its reason. */
export const LIMITS = {
  /** Kernel's limit of a Unix socket path: sun_path, less the final NUL. */
  socketPathBytes: 107,
  /** Mode of a listening Unix socket: owner and group may connect. */
  unixSocketMode: 0o660,
  /** Each process looks at settings.json and mirror.off so often: a change is in force within 1 s. */
  settingsPollMs: 250,
  /** The cumulative ledger travels to the mirror at least so often, idle too. */
  ledgerIntervalMs: 100,
  /** Reconnect of a gateway to the mirror's socket. */
  wireReconnectMs: 100,
  /** A mirror that ends a connection so soon after the greeting refuses it; then it is asked so often. */
  wireTrialMs: 500,
  wireRefusedMs: 1_000,
  /** Exchanges wait so long for company on the wire; a slab is handed over at once when it is full. */
  wireFlushMs: 2,
  wireSlabBytes: 256 * KiB,
  /** Room that a ledger message must find on the wire; without it its changes wait. */
  ledgerRoomBytes: 64 * KiB,
  /** A gateway that ends waits so long for the mirror, which yields the processor, to take its farewell. */
  farewellMs: 5_000,
  /** Addresses of one name that are used, and that one connection tries at most. */
  resolvedAddresses: 64,
  dialAttempts: 4,
  /** A name's TTL is taken for no less; a failed look-up of a name without addresses is repeated after it. */
  resolveMinMs: 1_000,
  /** An address that fails again and again is passed over twice as long each time, up to so many times. */
  skipAddressFactor: 8,
  /** A certificate, key or CA file, and how often it is looked at. */
  tlsFileBytes: 1 * MiB,
  tlsFilePollMs: 1_000,
  /** Who starts waits so long at most for such files to be read: a file system can hang. */
  tlsFileWaitMs: 3_000,
  /** A PROXY header, TLVs included, and networks that may send one to a listener. */
  proxyHeaderBytes: 4 * KiB,
  proxySources: 256,
  /** Certificates by name of one listener, and names of one certificate: they are metric labels. */
  tlsNames: 64,
  serverNames: 64,
  /** Bytes of a caller that wait for its upstream connection; then it is not read until that is open. */
  dialHeldBytes: 64 * KiB,
  /** Reads that wait at most for the end of a turn of the loop, and from so many bytes on a read waits not at all. */
  turnReads: 512,
  turnReadBytes: 16 * KiB,
  /** The kernel asks a peer that says nothing so often whether it is there, and gives it up 10 s later. */
  tcpKeepAliveMs: 60_000,
  /** After bytes of the gateway's own, or an end of its own: so long may the caller go on reading. */
  lingerMs: 2_000,
  /** A connection reset is passed on when what came before it is written, after so long at the latest. */
  resetFlushMs: 1_000,
  /** Connections over maxConnections that wait for their 503; more are reset. */
  refusedConnections: 256,
  /** Each connection is looked at so often for its time limits. */
  timeSweepMs: 500,
  /** A gateway that drains looks so often for connections that may end. */
  drainSweepMs: 50,
  /** Requests with a shadow mark are told of in the log so often, with their number. */
  foreignMarkLogMs: 60_000,
  /** Connections of the gateways' health listener. */
  healthConnections: 64,
  /** Cells of a gateway's ledger, unless one hour has more; at most 250 bytes each on the wire: a hello fits. */
  ledgerCells: 60_000,
  /** A hello or ledger message. */
  wireJsonBytes: 16 * MiB,
  /** The largest that maxRequestBytes and maxAnswerBytes of a gateway can be set to. */
  exchangeSideBytes: GiB,
  /** Accept backlog: Node's 511 overflows when many callers connect at once (1 s stalls). */
  listenBacklog: 4_096,
  /**
   * Handles of a gateway on each listener: libuv accepts one connection a handle in a turn of its loop, and
   * beside thousands of busy connections turns are long.
   */
  listenHandles: 8,
  /** Restart of a killed child: first wait, doubling up to the second. */
  restartMinMs: 100,
  restartMaxMs: 10_000,
  /** A process that lived so long was healthy: its next restart begins with the first wait. */
  restartHealthyMs: 10_000,
  /** With `serve --watch`: the configuration file is looked at so often. */
  configWatchMs: 1_000,
  /** A process that has started is asked so often whether it answers, and killed after so long. */
  startPollMs: 50,
  startTimeoutMs: 30_000,
  /** How often each process is asked, and how many missing answers in a row make it silent. */
  heartbeatIntervalMs: 1_000,
  heartbeatProbes: 3,
  /** How long processes of an earlier supervisor may take to give up journal and addresses. */
  takeoverMs: 10_000,
  /** A process that was asked to end is killed after so long; gateways have their drain besides. */
  stopTimeoutMs: 15_000,
  /** A probe of `understudy check`: a connection, and a model that is loaded once. */
  probeMs: 3_000,
  probeModelMs: 60_000,
  probeKafkaMs: 15_000,
  /** The command line waits so long for the admin API. */
  adminRequestMs: 5_000,
  /** `pairs --follow` looks for new pairs so often, and reads so many at once. */
  followPollMs: 250,
  followPairs: 500,
  /** Role `all`: niceness (0 to 19) and out-of-memory score (0 to 1000) of the processes backstage. */
  backstageNice: 5,
  backstageOomScore: 500,
  /** The kernel takes a session's niceness once in 100 ms from all who are not root: tries, and their distance. */
  autogroupTries: 20,
  autogroupRetryMs: 150,
  /** A status answer, and how long a reader waits for it. */
  statusBytes: 16 * MiB,
  statusTimeoutMs: 1_000,
  /** Readers of one status socket at once, and bytes of a request line: a command with a path fits. */
  statusReaders: 32,
  statusRequestBytes: 4_224,
  /** Log lines waiting for a reader that does not read; the next is dropped and counted. */
  logQueueBytes: 1 * MiB,
  /** A log line: PIPE_BUF of Linux, which a pipe takes whole or not at all. Its texts, each. */
  logLineBytes: 4_096,
  logTextCharacters: 1_000,
  /** How soon a writer looks again whether the reader of its log has read. */
  logRetryMs: 50,
  /** settings.json: 16 candidates and a reason fit many times. */
  settingsBytes: 64 * KiB,
  /** The wire carries the version of settings in 32 bits. */
  settingsVersionMax: 2 ** 32 - 1,
  /** Selection secret: a shorter one could be guessed from published pairs. */
  secretCharactersMin: 16,
  secretCharactersMax: 1_024,
  ...RECORD_LIMITS,
  ...ANALYSIS_LIMITS,
  ...REDACTION_LIMITS,
  /** Candidates, routes, listeners: they are metric labels. */
  candidates: 16,
  routes: 64,
  listeners: 16,
  /** A configuration file: one of a hundred routes has about 20 KiB. */
  configBytes: 1 * MiB,
  /** A file of samples for `check`. */
  sampleBytes: 16 * MiB,
  /** Problems of one configuration that are shown. */
  configProblems: 50,
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
  /** Characters of a captured value, a label, a model version: pairs stay small and Kafka takes them. */
  capturedCharacters: 256,
  /** Arrays and objects within each other in an answer; model servers need a handful. */
  jsonDepth: 64,
  /** Predictions of one answer; a pair of so many stays below Kafka's default of 1 MB a message. */
  predictions: 1_000,
  /** Classes of one prediction. */
  classes: 100,
  /** Numbers of classes in one answer. */
  classNumbers: 5_000,
  /** Sampling rules of a route, values of a rule, characters of a value. */
  samplingRules: 32,
  samplingValues: 64,
  /** JSON Pointers that a route's comparison leaves out. */
  ignoredPointers: 64,
  /** Differences of documents that a pair names, characters of a place, nodes that are compared. */
  structureDifferences: 20,
  structureCharacters: 200,
  structureNodes: 20_000,
  /** Legs that wait for one candidate: an object costs more than the bytes of a small exchange. */
  waitingLegs: 10_000,
  /** A token bucket holds what arrives in so long, but at least one token. */
  tokenBucketMs: 100,
  /** A day of `maxRequestsPerDay`, UTC. */
  dayMs: 86_400_000,
  /** The breaker's window is counted in so many slices. */
  breakerSlices: 10,
  /** Adaptive ceiling: it is lowered to this share, at most once for the copies in flight. */
  adaptiveBackOff: 0.9,
  /** The heap is looked at so often; the lowest of so many looks counts, since garbage is no pressure. */
  heapLookMs: 250,
  heapLooks: 8,
  /**
   * What one byte of JSON can become when it is parsed. Measured on Node 24.21: 14 for a list of empty lists, 24
   * for `[[[[]]]]`; an array of one element has 56 bytes and is written with 2, so it is never more than 28.
   */
  parseFactor: 28,
  /** One body may take this share of the parse budget: request, both answers, and room for others. */
  parseShare: 1 / 4,
  /** A body that is small when decoded is no bomb, whatever its ratio. */
  decodedRatioFloorBytes: 64 * KiB,
  /** How often waiting legs are looked at for their age. */
  queueSweepMs: 100,
  /** Idle connections to a candidate: several model servers close theirs at 5 s, and a POST is not retried. */
  candidateKeepAliveMs: 4_000,
  /** An answer is parsed in slices of so many bytes: what comes behind a broken head costs no more. */
  candidateReadBytes: 1 * KiB,
  /** A pair is flagged `mirror_busy` when the mirror's loop was late by so much during its leg. */
  mirrorBusyMs: 10,
  mirrorBusyTickMs: 20,
  /** A stopping mirror reads what its gateways have still sent, then waits for legs in flight. */
  intakeStopMs: 250,
  legsStopMs: 5_000,
  /** Gateways of one instance, the leaving ones included; the mirror looks so often at its socket's name. */
  wireConnections: 256,
  wireWatchMs: 1_000,
  /** A file that holds a header of the copies: its size, and how often it is looked at. */
  headerFileBytes: 8 * KiB,
  headerFilePollMs: 1_000,
  /** The highest cap of copies a second that can be set. */
  requestsPerSecond: 1_000_000,
  /** A change of settings that is made for a time: the shortest and the longest. */
  settingsTtlMinMs: 1_000,
  settingsTtlMaxMs: 31 * 24 * 3_600_000,
  /** The audit file is set aside at so many bytes, about 3,500 changes; so many of those are kept, at most 9. */
  auditBytes: MiB,
  auditFiles: 9,
  /** Audit entries that the API and `understudy audit` show at once, the newest. */
  auditEntries: 1_000,
  /** Characters of a reason, an operator's name. */
  reasonCharacters: 500,
  operatorCharacters: 100,
  /** A request to the admin API: body, and time to arrive. Connections, of API and metrics each. */
  apiBodyBytes: 16 * KiB,
  apiRequestMs: 5_000,
  apiConnections: 64,
  /** Requests without the right token that are answered 401 and logged, a minute; then 429, unlogged. */
  apiRefusalsPerMinute: 60,
  /** Status sockets of one run folder that are read. */
  statusSockets: 128,
  /** Ended gateway epochs whose counts metrics hold although the mirror no longer reports them. */
  epochsRemembered: 1_000,
  /** Admin's retry of a port that is taken, a folder that cannot be written: first wait, doubling. */
  adminRetryMinMs: 500,
  adminRetryMaxMs: 10_000,
} as const;
