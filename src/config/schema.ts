/**
 * What users write: one YAML file, checked key by key. Unknown keys are errors. The file's shape follows
 * `Config`, but addresses are text and nearly everything has a default. `schemas/config.schema.json` is
 * made from this, so editors can check and complete a configuration.
 */
import { z } from 'zod';
import { parseAddress } from './address.ts';
import { analysis } from './analysis-schema.ts';
import { candidate } from './candidate-schema.ts';
import {
  address,
  bytes,
  flag,
  GiB,
  HOUR_MS,
  integer,
  KiB,
  label,
  MiB,
  milliseconds,
  number,
  optionalPath,
  path,
  text,
} from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { listener } from './listener-schema.ts';
import { redaction } from './redaction-schema.ts';
import { route } from './route-schema.ts';

/** Longest time that can be configured: a year. */
const YEAR_MS = 365 * 24 * HOUR_MS;

const gateway = z.strictObject({
  processes: integer(1, 64).default(DEFAULTS.gateway.processes).meta({
    description: 'Gateway processes that share the listening sockets.',
  }),
  health: address(DEFAULTS.listener.host)
    .nullable()
    .default(DEFAULTS.gateway.health)
    .meta({ description: 'Where /livez and /readyz of the gateways are served; null: nowhere.' }),
  connectTimeoutMs: milliseconds().default(DEFAULTS.gateway.connectTimeoutMs).meta({
    description: 'How long a connection to the incumbent may take; then 504.',
  }),
  idleTimeoutMs: integer(0, 24 * HOUR_MS)
    .default(DEFAULTS.gateway.idleTimeoutMs)
    .meta({
      description: 'A connection with no exchange under way is ended after so long; 0: never.',
    }),
  headTimeoutMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.headTimeoutMs).meta({
    description: 'A request head arrives in so long, from its first byte; then 408. 0: no limit.',
  }),
  bodyTimeoutMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.bodyTimeoutMs).meta({
    description:
      'A request body arrives in so long, and a second more for each so many bytes; then 408.',
  }),
  bodyMinBytesPerSecond: integer(0, MiB).default(DEFAULTS.gateway.bodyMinBytesPerSecond).meta({
    description: 'Bytes of a body that earn a second more; 0: bodyTimeoutMs is for the whole body.',
  }),
  answerTimeoutMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.answerTimeoutMs).meta({
    description: 'The incumbent begins its answer in so long; then 504. 0: no limit.',
  }),
  slowReaderTimeoutMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.slowReaderTimeoutMs).meta({
    description: 'A caller that takes nothing of its answer for so long is reset; 0: never.',
  }),
  tunnelTimeoutMs: integer(0, 24 * HOUR_MS)
    .default(DEFAULTS.gateway.tunnelTimeoutMs)
    .meta({
      description: 'An opaque connection without a byte for so long is ended; 0: never.',
    }),
  resolveIntervalMs: integer(100, HOUR_MS).default(DEFAULTS.gateway.resolveIntervalMs).meta({
    description: "An incumbent's name is looked up again so often, or by its TTL if shorter.",
  }),
  skipAddressMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.skipAddressMs).meta({
    description: 'An address of an incumbent that gave no connection is passed over for so long.',
  }),
  maxConnections: integer(1, 1_000_000).default(DEFAULTS.gateway.maxConnections).meta({
    description: 'Open connections of callers, a gateway process; the next is answered 503.',
  }),
  maxRequestBytes: bytes(KiB, LIMITS.exchangeSideBytes)
    .default(DEFAULTS.gateway.maxRequestBytes)
    .meta({
      description: 'A larger request is passed on but not mirrored.',
    }),
  maxAnswerBytes: bytes(KiB, LIMITS.exchangeSideBytes)
    .default(DEFAULTS.gateway.maxAnswerBytes)
    .meta({
      description: 'A larger answer is passed on but not mirrored.',
    }),
  maxHeldBytes: bytes().default(DEFAULTS.gateway.maxHeldBytes).meta({
    description: 'Bytes kept for mirroring in one gateway process; past it exchanges are shed.',
  }),
  maxWireBytes: bytes().default(DEFAULTS.gateway.maxWireBytes).meta({
    description: 'Bytes queued for the mirror in one gateway process; past it exchanges are shed.',
  }),
  ambiguous: z.enum(['relay', 'reject']).default(DEFAULTS.gateway.ambiguous).meta({
    description: 'What becomes of a request in doubt: passed on and not mirrored, or answered 400.',
  }),
  maxHeadBytes: bytes(KiB, 16 * MiB)
    .default(DEFAULTS.gateway.maxHeadBytes)
    .meta({
      description: 'A longer request or answer head is passed on; its connection is not mirrored.',
    }),
  maxPipelined: integer(1, 100_000).default(DEFAULTS.gateway.maxPipelined).meta({
    description: 'Requests owed an answer on one connection; more, and it is not mirrored.',
  }),
  ledgerHours: integer(2, 2_400).default(DEFAULTS.gateway.ledgerHours).meta({
    description: 'Hours with traffic that are counted apart; older ones are summed up.',
  }),
  drainTimeoutMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.drainTimeoutMs).meta({
    description: 'How long a stopping gateway waits for open exchanges.',
  }),
  drainIdleMs: integer(0, HOUR_MS).default(DEFAULTS.gateway.drainIdleMs).meta({
    description:
      'While it drains: a connection idle for so long is ended, later ones with their answer.',
  }),
  heartbeatTimeoutMs: integer(1_000, HOUR_MS).default(DEFAULTS.gateway.heartbeatTimeoutMs).meta({
    description: 'A gateway that has been silent for so long is replaced.',
  }),
});

const mirror = z.strictObject({
  enabled: flag()
    .default(DEFAULTS.mirror.enabled)
    .meta({ description: 'Whether mirroring is on until an operator switches it.' }),
  selectionSecretFile: optionalPath('a path').default(DEFAULTS.mirror.selectionSecretFile).meta({
    description: 'Secret of the selection, the same for all replicas; empty: one is made.',
  }),
  maxQueuedBytes: bytes().default(DEFAULTS.mirror.maxQueuedBytes).meta({
    description: 'Bytes of exchanges in the mirror; past it they are shed.',
  }),
  maxQueueAgeMs: milliseconds().default(DEFAULTS.mirror.maxQueueAgeMs).meta({
    description: 'A copy that waited longer is shed.',
  }),
  maxDecodedBytes: bytes(KiB, GiB).default(DEFAULTS.mirror.maxDecodedBytes).meta({
    description: 'Bytes of one decoded body; past it it is not read.',
  }),
  maxDecodedRatio: integer(1, 1_000_000).default(DEFAULTS.mirror.maxDecodedRatio).meta({
    description: 'Decoded over encoded bytes of one body; past it it is not read.',
  }),
  maxParseBytes: bytes(MiB).default(DEFAULTS.mirror.maxParseBytes).meta({
    description: 'Memory for parsed bodies, at 28 bytes a byte of JSON; past it copies are shed.',
  }),
  pressureFrom: number(0.1, 1).default(DEFAULTS.mirror.pressureFrom).meta({
    description: "Share of the heap's limit from which fewer copies are made.",
  }),
  pressureFull: number(0.1, 1).default(DEFAULTS.mirror.pressureFull).meta({
    description: "Share of the heap's limit at which none is made.",
  }),
  tolerance: number(0, 1e9).default(DEFAULTS.mirror.tolerance).meta({
    description: 'Scores further apart (absolute) are outside tolerance.',
  }),
});

const journal = z.strictObject({
  maxBytes: bytes(MiB, 1024 * GiB)
    .default(DEFAULTS.journal.maxBytes)
    .meta({
      description: 'Size on disk; past it whenFull says what gives way.',
    }),
  whenFull: z.enum(['drop_newest', 'drop_oldest']).default(DEFAULTS.journal.whenFull).meta({
    description: 'At the cap: new pairs are dropped, or the oldest leave, unpublished ones too.',
  }),
  retentionMs: integer(0, YEAR_MS).default(DEFAULTS.journal.retentionMs).meta({
    description: 'Pairs stay at least so long.',
  }),
  maxAgeMs: integer(0, YEAR_MS).default(DEFAULTS.journal.maxAgeMs).meta({
    description: 'Older pairs leave, published or not; 0: no such limit.',
  }),
  maxPendingBytes: bytes(64 * KiB)
    .default(DEFAULTS.journal.maxPendingBytes)
    .meta({
      description: 'Bytes not yet on disk; past it pairs are dropped and counted.',
    }),
});

const topic = text(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, 'a name of a Kafka topic');
const brokerError = 'a Kafka broker: host:port';

const kafkaTls = z.strictObject({
  caFile: optionalPath('a path').default(DEFAULTS.kafkaTls.caFile).meta({
    description: 'PEM file of authorities that vouch for the brokers; empty: those of Node.js.',
  }),
  certFile: optionalPath('a path').default(DEFAULTS.kafkaTls.certFile).meta({
    description: 'PEM file of the client certificate; empty: none.',
  }),
  keyFile: optionalPath('a path').default(DEFAULTS.kafkaTls.keyFile).meta({
    description: 'PEM file of its key.',
  }),
  serverName: text(/^[A-Za-z0-9._-]{0,253}$/, 'a host name')
    .default(DEFAULTS.kafkaTls.serverName)
    .meta({ description: "The name in the brokers' certificates; empty: that of each address." }),
});

const kafkaSasl = z.strictObject({
  mechanism: z
    .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
      error: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
    })
    .meta({ description: 'How it is proven who we are; PLAIN only together with tls.' }),
  username: text(/^[^\0]{1,255}$/, 'a user name').meta({ description: 'Who we are.' }),
  passwordFile: path('a path').meta({
    description: 'File of the password; it is read again, so it can be changed without a restart.',
  }),
});

const kafka = z.strictObject({
  brokers: z
    .array(
      z
        .string({ error: brokerError })
        .refine((value) => (parseAddress(value)?.port ?? 0) !== 0, { error: brokerError }),
      { error: 'a list of Kafka brokers: host:port' },
    )
    .min(1, { error: 'at least one Kafka broker: host:port' })
    .max(64, { error: 'at most 64 Kafka brokers' })
    .meta({ description: 'Some brokers, host:port; the others are found through them.' }),
  pairsTopic: topic.default(DEFAULTS.kafka.pairsTopic).meta({ description: 'Topic of the pairs.' }),
  accountingTopic: topic.default(DEFAULTS.kafka.accountingTopic).meta({
    description: 'Topic of the counts, for coverage.',
  }),
  createTopics: flag()
    .default(DEFAULTS.kafka.createTopics)
    .meta({ description: 'Make topics that are missing.' }),
  partitions: integer(1, 10_000).default(DEFAULTS.kafka.partitions).meta({
    description: 'Partitions of a topic that is made.',
  }),
  replication: integer(1, 100).default(DEFAULTS.kafka.replication).meta({
    description: 'Replicas of a topic that is made.',
  }),
  retentionMs: integer(-1, 10 * YEAR_MS)
    .default(DEFAULTS.kafka.retentionMs)
    .meta({
      description: 'Retention of a topic that is made; -1: for ever.',
    }),
  maxMessageBytes: bytes(KiB, GiB).default(DEFAULTS.kafka.maxMessageBytes).meta({
    description: 'A larger pair is not sent, and counted.',
  }),
  sendTimeoutMs: milliseconds().default(DEFAULTS.kafka.sendTimeoutMs).meta({
    description: 'How long a batch waits for its acknowledgement.',
  }),
  accountingIntervalMs: integer(100, HOUR_MS).default(DEFAULTS.kafka.accountingIntervalMs).meta({
    description: 'How often counts are sent.',
  }),
  compression: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'], { error: 'none, gzip, snappy, lz4 or zstd' })
    .default(DEFAULTS.kafka.compression)
    .meta({ description: 'Of batches, on the thread of the publisher.' }),
  maxBatchPairs: integer(2, LIMITS.publisherQueuedPairs)
    .default(DEFAULTS.kafka.maxBatchPairs)
    .meta({
      description: 'Pairs of one batch; it also ends at maxMessageBytes.',
    }),
  lingerMs: integer(0, 60_000).default(DEFAULTS.kafka.lingerMs).meta({
    description: 'How long the first pair of a batch waits for company.',
  }),
  tls: kafkaTls.nullable().default(DEFAULTS.kafka.tls).meta({
    description: 'Encryption; null: plain TCP. "{}" suffices where a known authority has signed.',
  }),
  sasl: kafkaSasl.nullable().default(DEFAULTS.kafka.sasl).meta({
    description: 'Authentication by user and password; null: none.',
  }),
});

const adminDefault = `${DEFAULTS.admin.host}:${DEFAULTS.admin.port}`;
const admin = z.strictObject({
  listen: address(DEFAULTS.admin.host).default(adminDefault).meta({
    description: 'Where the admin API is served. It changes settings: keep it on loopback.',
  }),
  tokenFile: optionalPath('a path').default(DEFAULTS.admin.tokenFile).meta({
    description: 'File of its bearer token; empty: one is made in the data folder.',
  }),
});

const metricsDefault = `${DEFAULTS.metrics.host}:${DEFAULTS.metrics.port}`;
const metrics = z.strictObject({
  listen: address(DEFAULTS.metrics.host).default(metricsDefault).meta({
    description: 'Where /metrics, /livez and /readyz are served, read-only.',
  }),
});

const log = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'], { error: 'debug, info, warn or error' })
    .default(DEFAULTS.log.level)
    .meta({ description: 'The least severe level that is written.' }),
});

function listOf<T extends z.ZodType>(item: T, what: string, max: number) {
  return z
    .array(item, { error: `a list of ${what}s` })
    .min(1, { error: `at least one ${what}` })
    .max(max, { error: `at most ${max} ${what}s` });
}

/** The whole file. */
export const optionsSchema = z
  .strictObject({
    instance: label('a name of this instance')
      .optional()
      .meta({ description: 'Name of this instance on pairs; the host name where it is missing.' }),
    experiment: label('a name of the experiment').default(DEFAULTS.experiment).meta({
      description: 'The experiment that pairs belong to.',
    }),
    runDir: path('a path').default(DEFAULTS.runDir).meta({
      description: "Folder that the processes share, from this file's folder.",
    }),
    dataDir: path('a path').default(DEFAULTS.dataDir).meta({
      description: "Folder of journal and admin token, from this file's folder.",
    }),
    listeners: listOf(listener, 'listener', LIMITS.listeners).meta({
      description: 'Where callers connect, and where their bytes go.',
    }),
    gateway: gateway.prefault({}).meta({ description: 'The processes that carry traffic.' }),
    routes: listOf(route, 'route', LIMITS.routes).meta({ description: 'What is mirrored.' }),
    candidates: listOf(candidate, 'candidate', LIMITS.candidates).meta({
      description: 'Who gets the copies.',
    }),
    mirror: mirror.prefault({}).meta({ description: 'The process that sends copies.' }),
    redaction: redaction
      .prefault({})
      .meta({ description: "What of callers' requests no candidate is sent." }),
    journal: journal.prefault({}).meta({ description: 'Pairs on disk.' }),
    kafka: kafka
      .nullable()
      .default(null)
      .meta({ description: 'Where pairs are published; null: the journal alone.' }),
    analysis: analysis.prefault({}).meta({ description: 'What candidates are judged by.' }),
    admin: admin.prefault({}).meta({ description: 'Settings, status, health.' }),
    metrics: metrics
      .nullable()
      .prefault({})
      .meta({ description: 'Metrics for Prometheus; null: no listener.' }),
    log: log.prefault({}).meta({ description: 'JSON lines on standard output.' }),
  })
  .meta({ title: 'Understudy configuration' });

/** What users write. */
export type Options = z.input<typeof optionsSchema>;
/** The same with defaults filled in: what `resolve.ts` turns into `Config`. */
export type CompleteOptions = z.output<typeof optionsSchema>;

/** The JSON Schema of the file (draft 2020-12). Cross checks between keys cannot stand in it. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(optionsSchema, { io: 'input' }) };
}
