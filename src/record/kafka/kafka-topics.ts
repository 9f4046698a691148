/** The topics of pairs and accounts: made on request, else checked and reported. */
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import type { KafkaConfig } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import type { SinkTopic } from '../publisher/pair-sink.ts';
import { explainKafkaError, isKafkaError, toKafkaError } from './kafka-errors.ts';
import type { KafkaAuthenticator } from './kafka-security.ts';

/** Brokers name us so in their logs and quotas. */
export const KAFKA_CLIENT_ID = 'understudy';
/** Bytes a batch may have beside its records: its header. */
const BATCH_HEADER_BYTES = 100;
/** A topic just made is not known to every broker at once. */
const KNOWN_TRIES = 20;
const KNOWN_RETRY_MS = 250;
/** A broker that takes connections and never answers: with the client's 30 s a look took 2 minutes. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Partitions of each topic. */
export type TopicPartitions = Readonly<Record<SinkTopic, number>>;

export interface EnsuredTopics {
  /** 0 of a topic that is missing, where none may be made. */
  readonly partitions: TopicPartitions;
  /** What is not as configured, a sentence each. The topic is used as it is. */
  readonly differences: readonly string[];
}

interface WantedTopic {
  readonly name: string;
  readonly configs: Readonly<Record<string, string>>;
}

/**
 * Looks without changing anything, once.
 *
 * @returns what is not as configured; a topic that is missing and would be made is no difference
 * @throws {UnderstudyError} as `PairSink.open` does
 */
export async function inspectTopics(
  kafka: KafkaConfig,
  authenticator: KafkaAuthenticator,
): Promise<readonly string[]> {
  try {
    const connection = authenticator.connection();
    return (await ensureTopics(kafka, connection, { mayMake: false })).differences;
  } catch (error) {
    throw explainKafkaError(error, kafka);
  }
}

/**
 * @param connection - of KafkaAuthenticator
 * @throws the client's errors, and {UnderstudyError} `UND_KAFKA_TOPIC_MISSING`
 */
export async function ensureTopics(
  kafka: KafkaConfig,
  connection: ReturnType<KafkaAuthenticator['connection']>,
  { mayMake } = { mayMake: true },
): Promise<EnsuredTopics> {
  const admin = new Admin({
    clientId: KAFKA_CLIENT_ID,
    bootstrapBrokers: [...kafka.brokers],
    ...connection,
    retries: 1,
    retryDelay: 250,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Verified or made by us; a broker that makes topics by itself makes them wrong.
    autocreateTopics: false,
  });
  const differences: string[] = [];
  const pairs = {
    name: kafka.pairsTopic,
    configs: {
      'cleanup.policy': 'delete',
      'retention.ms': String(kafka.retentionMs),
      'max.message.bytes': String(kafka.maxMessageBytes + BATCH_HEADER_BYTES),
    },
  };
  const ensure = (topic: WantedTopic): Promise<number> =>
    ensureTopic({ admin, kafka, mayMake, differences }, topic);
  const accounting = { name: kafka.accountingTopic, configs: { 'cleanup.policy': 'compact' } };
  try {
    return {
      partitions: {
        pairs: await ensure(pairs),
        accounting: await ensure(accounting),
      },
      differences,
    };
  } finally {
    await admin.close();
  }
}

interface Ensuring {
  readonly admin: Admin;
  readonly kafka: KafkaConfig;
  readonly mayMake: boolean;
  readonly differences: string[];
}

async function ensureTopic(
  { admin, kafka, mayMake, differences }: Ensuring,
  topic: WantedTopic,
): Promise<number> {
  const known = await findTopic(admin, topic.name);
  if (known === undefined) {
    if (kafka.createTopics) return mayMake ? makeTopic(admin, kafka, topic) : 0;
    throw new UnderstudyError(
      'UND_KAFKA_TOPIC_MISSING',
      `Topic ${topic.name} is missing: make it, or set kafka.createTopics.`,
    );
  }
  const partitions = known.partitionsCount;
  if (partitions !== kafka.partitions) {
    differences.push(`${topic.name} has ${partitions} partitions, not ${kafka.partitions}.`);
  }
  const replicas = Math.min(...known.partitions.map((partition) => partition.replicas.length));
  if (replicas !== kafka.replication) {
    differences.push(`${topic.name} has replication ${replicas}, not ${kafka.replication}.`);
  }
  differences.push(...(await compareConfigs(admin, topic)));
  return partitions;
}

async function findTopic(admin: Admin, name: string) {
  try {
    const metadata = await admin.metadata({ topics: [name], forceUpdate: true });
    return metadata.topics.get(name);
  } catch (error) {
    if (toKafkaError(error).code === 'UND_KAFKA_TOPIC_MISSING') return undefined;
    throw error;
  }
}

async function makeTopic(admin: Admin, kafka: KafkaConfig, topic: WantedTopic): Promise<number> {
  try {
    await admin.createTopics({
      topics: [topic.name],
      partitions: kafka.partitions,
      replicas: kafka.replication,
      configs: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    // Another instance may have been quicker.
    if (!isKafkaError(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
  for (let tries = 0; tries < KNOWN_TRIES; tries += 1) {
    const known = await findTopic(admin, topic.name);
    if (known !== undefined) return known.partitionsCount;
    await new Promise((resolve) => setTimeout(resolve, KNOWN_RETRY_MS));
  }
  throw new UnderstudyError('UND_KAFKA_TOPIC_MISSING', `Topic ${topic.name} was made, not found.`);
}

async function compareConfigs(admin: Admin, topic: WantedTopic): Promise<string[]> {
  try {
    const [described] = await admin.describeConfigs({
      resources: [
        {
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: topic.name,
          configurationKeys: Object.keys(topic.configs),
        },
      ],
    });
    const found = new Map(described?.configs.map(({ name, value }) => [name, value]));
    const wrong = Object.entries(topic.configs).filter(
      ([name, wanted]) => found.has(name) && !isAsWanted(name, found.get(name) ?? '', wanted),
    );
    return wrong.map(
      ([name, wanted]) => `${topic.name} has ${name} ${found.get(name)}, not ${wanted}.`,
    );
  } catch {
    // Reading topic settings needs a permission that publishing does not.
    return [];
  }
}

/** A topic that takes larger messages than we send is right. */
function isAsWanted(name: string, found: string, wanted: string): boolean {
  return name === 'max.message.bytes' ? Number(found) >= Number(wanted) : found === wanted;
}
