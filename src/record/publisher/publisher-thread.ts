/** The publisher thread: reads the journal, sends to Kafka. */
import type { MessagePort } from 'node:worker_threads';
import { LIMITS } from '../../config/defaults.ts';
import type { UnderstudyError } from '../../errors.ts';
import { JournalReader } from '../journal/journal-reader.ts';
import { isBrokerStarting } from '../kafka/kafka-errors.ts';
import { FileAuthenticator } from '../kafka/kafka-security.ts';
import { KafkaSink } from '../kafka/kafka-sink.ts';
import { yieldThread } from '../thread-priority.ts';
import { jsonSerializer } from './pair-serializer.ts';
import { Publisher } from './publisher.ts';
import type { FromPublisher, PublisherThreadData, ToPublisher } from './publisher-messages.ts';

const STATUS_MS = 250;

/** Runs until it is told to stop. */
export async function runPublisherThread(
  port: MessagePort,
  data: PublisherThreadData,
): Promise<void> {
  // A backlog that is made up for must not make copies wait for the mirror's loop.
  yieldThread(LIMITS.publisherNice);
  const post = (message: FromPublisher): void => port.postMessage(message);
  let said: readonly string[] = [];
  const authenticator = new FileAuthenticator(data.kafka);
  const sink = new KafkaSink({
    kafka: data.kafka,
    authenticator,
    onRetry: (error) => publisher.retried(error),
    onDifferences: (differences) => {
      const fields = { code: 'UND_KAFKA_TOPIC_DIFFERS' };
      for (const message of differences) {
        if (!said.includes(message)) post({ type: 'log', level: 'warn', message, fields });
      }
      said = differences;
      publisher.differ(differences);
    },
  });
  const reader = JournalReader.open(data.dataDir);
  const publisher = new Publisher({
    instance: data.instance,
    kafka: data.kafka,
    reader,
    sink,
    serializer: jsonSerializer,
    onConfirm: (confirmation) => post({ type: 'confirm', confirmation }),
    onSuspect: () => post({ type: 'suspect' }),
    onTrouble: (error) => {
      const level = isBrokerStarting(error) ? 'info' : 'error';
      post({ type: 'log', level, ...describe(error) });
    },
    onConnected: () =>
      post({ type: 'log', level: 'info', message: 'Publishing to Kafka.', fields: {} }),
  });
  if (data.generation !== '') publisher.journal(data.generation);
  port.on('message', (message: ToPublisher) => {
    if (message.type === 'journal') publisher.journal(message.generation);
    else if (message.type === 'wake') publisher.wake();
    else if (message.type === 'confirmed') publisher.confirmed(message.numbers);
    else if (message.type === 'rescan') publisher.rescan();
    else if (message.type === 'left') publisher.left(message.upTo);
    else publisher.stop();
  });
  const status = setInterval(() => post({ type: 'status', status: publisher.status() }), STATUS_MS);
  let stamp = authenticator.stamp();
  const secrets = setInterval(() => {
    const now = authenticator.stamp();
    if (now !== stamp) publisher.renew();
    stamp = now;
  }, LIMITS.kafkaSecretPollMs);
  await publisher.run();
  reader.close();
  clearInterval(status);
  clearInterval(secrets);
  post({ type: 'status', status: publisher.status() });
  post({ type: 'stopped' });
  port.close();
}

function describe(
  error: UnderstudyError,
): Pick<FromPublisher & { type: 'log' }, 'message' | 'fields'> {
  const message = `Not publishing: ${error.message.slice(0, LIMITS.errorCharacters)}`;
  return { message, fields: { code: error.code } };
}
