import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import { ConfigError } from '../../src/errors.ts';

function kafkaOf(text: string): KafkaConfig | null {
  const file = `listeners: [{ incumbent: '127.0.0.1:1', listen: 127.0.0.1:0 }]
routes: [{ name: score, path: /score }]
candidates: [{ name: next, url: 'http://127.0.0.1:1' }]
kafka: { brokers: [127.0.0.1:9092], ${text} }
`;
  return parseConfig(Buffer.from(file), '/etc/understudy/u.yaml').kafka;
}

function problemOf(text: string): string {
  try {
    kafkaOf(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return 'valid';
}

it('files of Kafka’s credentials are found from the configuration’s folder', () => {
  const kafka = kafkaOf(
    'tls: { caFile: ca.pem }, sasl: { mechanism: PLAIN, username: u, passwordFile: secrets/p }',
  );
  const folder = '/etc/understudy';
  expect(kafka?.tls).toMatchObject({ caFile: join(folder, 'ca.pem'), certFile: '', keyFile: '' });
  expect(kafka?.sasl?.passwordFile).toBe(join(folder, 'secrets/p'));
});

it('a password never travels in plain, and a certificate never without its key', () => {
  const sasl = 'sasl: { mechanism: PLAIN, username: u, passwordFile: p }';
  expect(problemOf(sasl)).toMatch(
    /kafka\.sasl\.mechanism: got PLAIN, expected SCRAM.*without kafka/,
  );
  expect(problemOf(`tls: {}, ${sasl}`)).toBe('valid');
  expect(problemOf('tls: { certFile: c.pem }')).toMatch(
    /kafka\.tls\.keyFile: expected certFile and/,
  );
  expect(problemOf('tls: { keyFile: k.pem }')).toMatch(
    /kafka\.tls\.certFile: expected certFile and/,
  );
  expect(problemOf('sasl: { mechanism: GSSAPI, username: u, passwordFile: p }')).toMatch(
    /SCRAM-SHA/,
  );
});
