/** The publisher thread: reads the journal, sends to Kafka. */
import type { MessagePort } from 'node:worker_threads';
import { LIMITS } from '../config/defaults.ts';
import type { UnderstudyError } from '../errors.ts';
import { JournalReader } from './journal-reader.ts';
import { KafkaSink } from './kafka-sink.ts';
import { Publisher } from './publisher.ts';
import type { FromPublisher, PublisherThreadData, ToPublisher } from './publisher-messages.ts';

const STATUS_MS = 250;
/** Sentences about topics that were said already. */
const SAID_MAX = 100;

/** Runs until it is told to stop. */
export async function runPublisherThread(
  port: MessagePort,
  data: PublisherThreadData,
): Promise<void> {
  const post = (message: FromPublisher): void => port.postMessage(message);
  const said = new Set<string>();
  const sink = new KafkaSink({
    kafka: data.kafka,
    onRetry: (error) => publisher.retried(error),
    onDifferences: (differences) => {
      for (const message of differences) {
        if (said.has(message) || said.size >= SAID_MAX) continue;
        said.add(message);
        post({ type: 'log', level: 'warn', message, fields: { code: 'UND_KAFKA_TOPIC_DIFFERS' } });
      }
    },
  });
  const publisher = new Publisher({
    instance: data.instance,
    kafka: data.kafka,
    reader: JournalReader.open(data.dataDir),
    sink,
    onConfirm: (confirmation) => post({ type: 'confirm', confirmation }),
    onSuspect: () => post({ type: 'suspect' }),
    onTrouble: (error) => post({ type: 'log', level: 'error', ...describe(error) }),
    onConnected: () =>
      post({ type: 'log', level: 'info', message: 'Publishing to Kafka.', fields: {} }),
  });
  if (data.generation !== '') publisher.journal(data.generation);
  port.on('message', (message: ToPublisher) => {
    if (message.type === 'journal') publisher.journal(message.generation);
    else if (message.type === 'wake') publisher.wake();
    else if (message.type === 'confirmed') publisher.confirmed(message.numbers);
    else publisher.stop();
  });
  const status = setInterval(() => post({ type: 'status', status: publisher.status() }), STATUS_MS);
  await publisher.run();
  clearInterval(status);
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
