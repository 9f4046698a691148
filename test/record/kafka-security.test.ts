/** Real brokers that want to know who comes: TLS, SASL, ACLs. */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig, KafkaSaslConfig } from '../../src/config/types.ts';
import { FileAuthenticator } from '../../src/record/kafka/kafka-security.ts';
import { inspectTopics } from '../../src/record/kafka/kafka-topics.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { entryOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

const NO_TLS = { caFile: '', certFile: '', keyFile: '', serverName: '' };
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

function secret(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function kafkaOf(brokers: readonly string[], changes: Partial<KafkaConfig> = {}): KafkaConfig {
  const id = randomUUID();
  const topics = { pairsTopic: `pairs-${id}`, accountingTopic: `accounting-${id}` };
  return { ...DEFAULTS.kafka, brokers, createTopics: true, ...topics, ...changes };
}

const inspect = (kafka: KafkaConfig) => inspectTopics(kafka, new FileAuthenticator(kafka));

describe('a file that cannot be used is named, and why:', () => {
  const broken: [string, (path: string) => void, RegExp][] = [
    ['missing', (path) => rmSync(path), /ENOENT/],
    ['empty', (path) => writeFileSync(path, ' \n'), /it is empty/],
    ['too large', (path) => writeFileSync(path, 'x'.repeat(70_000)), /over 65536 bytes/],
  ];
  test.each(broken)('%s', (_, spoil, reason) => {
    const passwordFile = secret('password', 'x');
    const sasl: KafkaSaslConfig = { mechanism: 'SCRAM-SHA-512', username: 'app', passwordFile };
    spoil(passwordFile);
    const connect = () => new FileAuthenticator({ brokers: [], tls: null, sasl }).connection();
    expect(connect).toThrow(
      expect.objectContaining({
        code: 'UND_KAFKA_SECRET_FILE',
        message: expect.stringMatching(reason),
      }),
    );
    expect(connect).toThrow(passwordFile);
  });
});

test('the server name is said for names alone, or as configured', () => {
  const nameOf = (brokers: readonly string[], serverName = '') =>
    new FileAuthenticator({ brokers, tls: { ...NO_TLS, serverName }, sasl: null }).connection()
      .tlsServerName;
  expect(nameOf(['kafka.test:9093'])).toBe(true);
  expect(nameOf(['127.0.0.1:9093'])).toBe(false);
  expect(nameOf(['[::1]:9093'])).toBe(false);
  expect(nameOf(['127.0.0.1:9093'], 'kafka.test')).toBe('kafka.test');
});

test('a password is read anew for each connection, and its last value stays when the file goes', async () => {
  const passwordFile = secret('password', 'first\n');
  const sasl: KafkaSaslConfig = { mechanism: 'SCRAM-SHA-512', username: 'app', passwordFile };
  const authenticator = new FileAuthenticator({ brokers: [], tls: null, sasl });
  const { sasl: given } = authenticator.connection();
  const stamp = authenticator.stamp();
  expect(given).toMatchObject({ mechanism: 'SCRAM-SHA-512', username: 'app' });
  const password = given?.password;
  if (typeof password !== 'function') throw new Error('not a provider');
  expect(await password()).toBe('first');
  writeFileSync(passwordFile, 'second');
  expect(await password()).toBe('second');
  expect(authenticator.stamp()).not.toBe(stamp);
  rmSync(passwordFile);
  expect(await password()).toBe('second');
  expect(authenticator.stamp()).toBe('unreadable');
});

const own = await startKafka({ secure: true });
if ('skipped' in own) test.skip(own.skipped, () => {});
else {
  afterAll(() => own.stop());
  describe('a broker with TLS, SASL and ACLs', () => secureTests(own, securityOf(own)));
}

type Security = NonNullable<KafkaService['secure']>;

function securityOf({ secure }: KafkaService): Security {
  if (secure === undefined) throw new Error('not started as a secure one');
  return secure;
}

function secureTests(service: KafkaService, security: Security): void {
  const { caFile, certFile, keyFile } = security;
  const appFile = () => secret('password', `${security.password}\n`);

  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
    'publishes with TLS and %s',
    async (mechanism) => {
      const sasl = { mechanism, username: security.user, passwordFile: appFile() };
      const kafka = kafkaOf(security.saslSsl, { tls: { ...NO_TLS, caFile }, sasl });
      await expectPublished(kafka);
    },
  );

  test('publishes with a client certificate', async () => {
    const tls = { ...NO_TLS, caFile, certFile, keyFile };
    await expectPublished(kafkaOf(security.ssl, { tls }));
  });

  test('publishes with SCRAM in plain', async () => {
    const mechanism = 'SCRAM-SHA-256' as const;
    const sasl = { mechanism, username: security.user, passwordFile: appFile() };
    await expectPublished(kafkaOf(security.saslPlaintext, { sasl }));
  });

  const wrong: [string, () => Partial<KafkaConfig>, readonly string[], string, RegExp][] = [
    [
      'an authority that we do not know',
      () => ({ tls: NO_TLS, sasl: saslOf('app-secret') }),
      security.saslSsl,
      'UND_KAFKA_TLS',
      /kafka\.tls.*(self-signed|issuer|unable)/,
    ],
    [
      'a name that the certificate has not',
      () => ({ tls: { ...NO_TLS, caFile, serverName: 'other.test' }, sasl: saslOf('app-secret') }),
      security.saslSsl,
      'UND_KAFKA_TLS',
      /other\.test/,
    ],
    [
      'no client certificate where one is wanted',
      () => ({ tls: { ...NO_TLS, caFile } }),
      security.ssl,
      'UND_KAFKA_UNREACHABLE',
      /ended the connection.*certFile/,
    ],
    ['plain TCP where TLS is wanted', () => ({}), security.ssl, 'UND_KAFKA_TLS', /TLS/],
    [
      'a wrong password',
      () => ({ tls: { ...NO_TLS, caFile }, sasl: saslOf('wrong') }),
      security.saslSsl,
      'UND_KAFKA_AUTH',
      /refuse user app \(SCRAM-SHA-512, password of .*password\)/,
    ],
    [
      'a missing ACL',
      () => ({ sasl: { ...saslOf('limited-secret'), username: 'limited' } }),
      security.saslPlaintext,
      'UND_KAFKA_DENIED',
      /do not let user limited write pairs-.*DESCRIBE and WRITE/,
    ],
    [
      'an unknown topic',
      () => ({ tls: { ...NO_TLS, caFile }, sasl: saslOf('app-secret'), createTopics: false }),
      security.saslSsl,
      'UND_KAFKA_TOPIC_MISSING',
      /pairs-.* is missing/,
    ],
  ];
  function saslOf(password: string): KafkaSaslConfig {
    const passwordFile = secret('password', password);
    return { mechanism: 'SCRAM-SHA-512', username: 'app', passwordFile };
  }

  test.each(wrong)('%s has its own code and sentence', async (_, changes, brokers, code, text) => {
    const kafka = kafkaOf(brokers, changes());
    const failure = await inspect(kafka).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(String(failure)).not.toMatch(/secret"|wrong\b/);
  });

  test('a wrong password, then the right one, without a restart: nothing is lost', async () => {
    const passwordFile = secret('password', 'wrong');
    const mechanism = 'SCRAM-SHA-512' as const;
    const sasl = { mechanism, username: security.user, passwordFile };
    const kafka = kafkaOf(security.saslSsl, { tls: { ...NO_TLS, caFile }, sasl });
    const { recorder, log } = await recorderIn(temporaryFolder(), { kafka });
    const entries = Array.from({ length: 50 }, (_, i) => entryOf(i + 1));
    for (const entry of entries) recorder.record(entry);
    const status = () => recorder.status().publisher;
    await until('refused', () => status()?.error === 'UND_KAFKA_AUTH');
    expect(log.lines.join('\n')).toContain(passwordFile);
    expect(status()?.message).toContain(`password of ${passwordFile}`);
    writeFileSync(passwordFile, security.password);
    await until('published', () => status()?.published === entries.length);
    expect(status()).toMatchObject({ state: 'connected', error: '', message: '' });
    const read = await readWithKafkajs(service.brokers, kafka.pairsTopic);
    expect(read.map(({ value }) => value).sort()).toEqual(entries.map(({ json }) => json).sort());
  });

  test('a client certificate is changed under way: connections are made with the new one', async () => {
    const copy = (file: string) =>
      secret(file, readFileSync(security[file as 'certFile' | 'keyFile'], 'utf8'));
    const files = { certFile: copy('certFile'), keyFile: copy('keyFile') };
    const kafka = kafkaOf(security.ssl, { tls: { ...NO_TLS, caFile, ...files } });
    const { recorder, log } = await recorderIn(temporaryFolder(), { kafka });
    const status = () => recorder.status().publisher;
    recorder.record(entryOf(1));
    await until('published', () => status()?.published === 1);
    // A rotation gone wrong is noticed within seconds, and not when a connection happens to break.
    writeFileSync(`${files.certFile}.new`, 'no certificate');
    renameSync(`${files.certFile}.new`, files.certFile);
    await until('noticed', () => status()?.state === 'failing');
    expect(status()).toMatchObject({
      error: 'UND_KAFKA_TLS',
      message: expect.stringContaining(files.certFile),
    });
    copy('certFile');
    recorder.record(entryOf(2));
    await until('published', () => status()?.published === 2);
    expect(log.lines.join('\n')).not.toContain('PRIVATE KEY');
  });

  test('an ACL that is granted later is enough', async () => {
    const sasl = { ...saslOf('limited-secret'), username: 'limited' };
    const kafka = kafkaOf(security.saslPlaintext, { sasl });
    await inspect(kafkaOf(service.brokers)); // the broker is up and open to us
    const { recorder } = await recorderIn(temporaryFolder(), { kafka });
    const status = () => recorder.status().publisher;
    recorder.record(entryOf(1));
    await until('denied', () => status()?.error === 'UND_KAFKA_DENIED');
    await grantTopics(service.brokers, 'limited');
    await until('published', () => status()?.published === 1, 30_000);
  });
}

async function expectPublished(kafka: KafkaConfig): Promise<void> {
  const { recorder } = await recorderIn(temporaryFolder(), { kafka });
  for (let i = 1; i <= 20; i += 1) recorder.record(entryOf(i));
  await until('published', () => recorder.status().publisher?.published === 20);
  expect(recorder.status().publisher).toMatchObject({ state: 'connected', differences: [] });
  expect(await inspect(kafka)).toEqual([]);
}

async function grantTopics(brokers: readonly string[], user: string): Promise<void> {
  const admin = new Admin({ clientId: 'understudy-test', bootstrapBrokers: [...brokers] });
  const names = ['CREATE', 'DESCRIBE', 'WRITE', 'DESCRIBE_CONFIGS'] as const;
  await admin.createAcls({
    creations: names.map((name) => ({
      resourceType: ResourceTypes.TOPIC,
      resourceName: '*',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${user}`,
      host: '*',
      operation: AclOperations[name],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  });
  await admin.close();
}
