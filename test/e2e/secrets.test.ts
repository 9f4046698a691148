/**
 * R-01: secrets of callers and operators, put wherever a request can carry one and given back by both sides in
 * errors and answers, are afterwards in no copy, file, record, log, metric, status, report or error text.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CREDENTIAL_HEADERS, CREDENTIAL_PARAMETERS } from '../../src/config/defaults.ts';
import { sharedKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { Canaries } from '../support/canary.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { type Artefacts, spokenArtefacts, writtenArtefacts } from './artefacts.ts';
import { callOnce } from './call-once.ts';
import { type EchoBehaviour, EchoServer } from './echo-server.ts';
import { expectPairsOf, Instance, legsOf, type Sections } from './instance.ts';
import { closeWithTest } from './server.ts';

/** Nobody but callers, incumbent and the mirror's memory may have these. */
const hidden = new Canaries();
/** A candidate may have these, since it scores with them; nothing that is recorded may. */
const sent = new Canaries();
/** The operator's own: in no output but where each belongs. */
const own = new Canaries();

const headerSafe = (canary: string) => canary.replaceAll(',', '.');

/** A request that carries a secret in every place there is; its number is still to be put in. */
function makeRequest(): string {
  const body = JSON.stringify({
    amount: 1200,
    iban: hidden.of('body /iban, dropped'),
    names: [{ name: hidden.of('body /names/0/name, masked') }],
    customer: { id: hidden.of('body /customer/id, hashed') },
    income: sent.of('body /income, hidden from records'),
    remark: sent.of('body, not listed'),
    [sent.of('name of a member')]: 1,
  }).replace('{', `{"\\u0069ban":${JSON.stringify(hidden.of('body /iban, escaped'))},`);
  const credentials = [...CREDENTIAL_PARAMETERS].map((name) => {
    return `${name}=${encodeURIComponent(hidden.of(`query ${name}`))}`;
  });
  const query = [
    `plain=${encodeURIComponent(sent.of('query, not listed'))}`,
    ...credentials,
    `Customer=${encodeURIComponent(hidden.of('query customer, hashed'))}`,
    `iban=${encodeURIComponent(hidden.of('query iban, dropped'))}`,
    `API%5Fkey=${encodeURIComponent(hidden.of('query API%5Fkey'))};x=1`,
  ];
  const headers = [...CREDENTIAL_HEADERS].map((name) => {
    const canary = headerSafe(hidden.of(`header ${name}`));
    if (name === 'cookie') return `Cookie: a=${canary}; b=${hidden.of('second cookie')}`;
    return `${name.toUpperCase()}: ${name === 'authorization' ? 'Bearer ' : ''}${canary}`;
  });
  const head = [
    `POST /v1/score?${query.join('&')} HTTP/1.1`,
    'Host: scoring.example',
    'X-Number: NUMBER',
    'Content-Type: application/json',
    ...headers,
    `X-Denied: ${hidden.of('header x-denied')}`,
    `X-Plain: ${sent.of('header, not listed')}`,
    `Connection: close, x-hop`,
    `X-Hop: ${hidden.of('header that Connection names')}`,
    `Content-Digest: sha-256=:${hidden.of('digest of the body')}:`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const REQUEST = makeRequest();

function requestOf(number: number): Buffer {
  return Buffer.from(REQUEST.replace('NUMBER', String(number)), 'latin1');
}

/** All ways in which an answer can give back what was asked. */
const echo =
  (side: 'incumbent' | 'candidate'): EchoBehaviour =>
  (number, { raw, body }) => {
    const text = raw.toString('latin1');
    const value = /"customer":\{"id":(".*?")\}/.exec(body)?.[1] ?? '""';
    const id: string = JSON.parse(value);
    const scored = {
      score: side === 'incumbent' ? 0.25 : 0.5,
      label: `bad ${id}`,
      model_version: `of ${id}`,
      customers: { [id]: 1, ...(side === 'candidate' ? { [`${id}!`]: 1 } : {}) },
      echo: { text, [text]: Buffer.from(text).toString('base64') },
    };
    const answers = [
      { status: 200, body: JSON.stringify(scored) },
      { status: 500, body: JSON.stringify({ error: `cannot score ${text}` }) },
      { status: 422, body: text, contentType: 'text/plain' },
      { status: 200, body: `${text}{` },
      { status: 200, body: JSON.stringify({ ...scored, score: text, label: [text] }) },
      { status: 302, body: '' },
    ];
    // Both sides in all combinations, in time.
    const i = side === 'incumbent' ? number : Math.floor(number / answers.length);
    return answers[i % answers.length] ?? { status: 204, body: '' };
  };

const ROUTE = {
  name: 'score',
  path: '/v1/score',
  capture: ['/amount', '/iban', '/names/0/name', '/customer/id', '/income'],
  join: '/customer/id',
  sampling: { key: '/customer/id' },
  compare: { structure: true },
  redact: {
    request: [
      { pointer: '/iban', action: 'drop' },
      { pointer: '/names/*/name', action: 'mask' },
      { pointer: '/customer/id', action: 'hmac' },
      { pointer: '/income', action: 'mask', from: 'record' },
    ],
    answers: [
      { pointer: '/label', action: 'hmac' },
      { pointer: '/model_version', action: 'mask' },
      { pointer: '/customers/*', action: 'drop' },
      { pointer: '/echo', action: 'drop' },
    ],
    query: [
      { name: 'customer', action: 'hmac' },
      { name: 'iban', action: 'drop' },
    ],
  },
};

const EXCHANGES = 36;

interface Scene {
  readonly instance: Instance;
  readonly incumbent: EchoServer;
  readonly candidate: EchoServer;
  readonly kafka: { readonly brokers: string[]; readonly topics: string[] } | null;
}

async function setScene(): Promise<Scene> {
  const incumbent = closeWithTest(await EchoServer.start(echo('incumbent')));
  const candidate = closeWithTest(await EchoServer.start(echo('candidate')));
  const secrets = tempFolder();
  mkdirSync(secrets, { recursive: true });
  const put = (name: string, place: string): string => {
    const file = join(secrets, name);
    writeFileSync(file, own.of(place), { mode: 0o600 });
    return file;
  };
  const shared = await sharedKafka();
  const id = randomUUID().slice(0, 8);
  const topics = [`secrets.pairs.${id}`, `secrets.accounting.${id}`];
  const kafka: Sections | null =
    'skipped' in shared
      ? null
      : {
          brokers: shared.brokers,
          ...{ pairsTopic: topics[0], accountingTopic: topics[1] },
          ...{ createTopics: true, partitions: 1, accountingIntervalMs: 500 },
        };
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [
      {
        name: 'cand',
        url: `http://${candidate.address}`,
        breaker: null,
        timeoutMs: 20_000,
        headers: [{ name: 'X-Api-Key', file: put('header', 'header file of the candidate') }],
      },
    ],
    sections: {
      routes: [ROUTE],
      redaction: {
        denyHeaders: ['X-Denied'],
        keys: [{ id: 'k1', file: put('hmac', 'key of redaction') }],
      },
      mirror: {
        maxQueueAgeMs: 60_000,
        selectionSecretFile: put('selection', 'selection secret'),
      },
      analysis: { profile: 'demo', cutMs: 1_000, windowMs: 10_000, settleMs: 1_000 },
      admin: { listen: '127.0.0.1:0', tokenFile: put('token', 'admin token') },
      log: { level: 'debug' },
      ...(kafka === null ? {} : { kafka }),
    },
  });
  const brokers = 'skipped' in shared ? null : shared.brokers;
  return { instance, incumbent, candidate, kafka: brokers === null ? null : { brokers, topics } };
}

/** Requests that are not scored, each with its secret: their texts may end in a log or an error. */
async function misbehave({ instance }: Scene): Promise<void> {
  const secret = () => hidden.of('a request that is not mirrored');
  const head = (line: string, ...headers: string[]) =>
    `${[line, 'Host: h', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;
  const requests = [
    head(`GET /other/${encodeURIComponent(secret())} HTTP/1.1`),
    head(`PATCH /v1/score?x=${encodeURIComponent(secret())} HTTP/1.1`, 'Content-Length: 0'),
    head('POST /v1/score HTTP/1.1', `Content-Length: 0${secret()}`),
    head('POST /v1/score HTTP/1.1', `X-Understudy-Shadow: ${secret()}`, 'Content-Length: 0'),
    head(`${secret()} HTTP/1.1`),
  ];
  for (const request of requests) {
    // What is no HTTP is not answered by the echo either: it is enough that it was sent.
    await Promise.race([callOnce(instance.port, Buffer.from(request), 1), wait(300)]);
  }
  const { url, metricsUrl } = await instance.admin();
  for (const target of [`${url}/v1/status`, `${url}/v1/${encodeURIComponent(secret())}`]) {
    await fetch(target, { headers: { authorization: `Bearer ${encodeURIComponent(secret())}` } });
  }
  await fetch(`${metricsUrl}?x=${encodeURIComponent(secret())}`);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function kafkaArtefacts({ kafka }: Scene): Promise<Artefacts> {
  const found: Artefacts = new Map();
  for (const topic of kafka?.topics ?? []) {
    const messages = await readWithKafkajs(kafka?.brokers ?? [], topic);
    expect(messages.length, topic).toBeGreaterThan(0);
    found.set(`topic ${topic}`, Buffer.from(JSON.stringify(messages)));
    const values = messages.map(({ key, value }) => `${key}\n${value}\n`).join('');
    found.set(`values of ${topic}`, Buffer.from(values));
  }
  return found;
}

function leaksOf(artefacts: Artefacts, ...canaries: readonly Canaries[]): string[] {
  return [...artefacts].flatMap(([name, bytes]) =>
    canaries.flatMap((group) => group.foundIn(name, bytes)),
  );
}

test('R-01: a secret that callers send is in nothing that Understudy sends, writes or says', async () => {
  const scene = await setScene();
  const { instance, incumbent, candidate } = scene;
  for (let number = 0; number < EXCHANGES; number++) {
    const answer = await callOnce(instance.port, requestOf(number));
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 (200|302|422|500) /);
  }
  const paired = async () => (await instance.legsIn('paired')) === EXCHANGES;
  await until('all are paired', paired, 60_000);
  await misbehave(scene);
  // A candidate that is gone, then an incumbent.
  candidate.close();
  await callOnce(instance.port, requestOf(EXCHANGES));
  await until('all legs have ended', async () => (await instance.legsIn('candidate_error')) > 0);
  incumbent.close();
  const refusal = await callOnce(instance.port, requestOf(EXCHANGES + 1));
  expect(refusal.toString()).toMatch(/^HTTP\/1\.1 502 /);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const { paired: pairedLegs, ...errors } = legsOf(waterfall);
  expect(pairedLegs).toBe(EXCHANGES);
  // The last copy meets a closed port, or the end of a connection that was kept.
  expect(['candidate_error(refused)', 'candidate_error(reset)']).toContain(Object.keys(errors)[0]);
  expect(Object.values(errors)).toEqual([1]);
  const pairs = expectPairsOf(instance, waterfall);
  const captured = pairs.map((pair) => pair.captured);
  expect(new Set(captured.map((fields) => Object.keys(fields).join()))).toEqual(
    new Set(['/amount,/names/0/name,/customer/id,/income']),
  );
  expect(captured[0]).toMatchObject({
    '/customer/id': expect.stringMatching(/^hmac:k1:[0-9a-f]{32}$/),
    '/income': '***',
  });
  await until('analysed', async () => (await instance.admin()).analysis?.lag === 0, 60_000);

  // The candidate has what it needs, and the search finds it where it is.
  const copies: Artefacts = new Map([['copies', Buffer.concat(candidate.requests)]]);
  expect(candidate.requests).toHaveLength(EXCHANGES);
  expect(leaksOf(copies, sent).length).toBeGreaterThan(0);
  expect(leaksOf(copies, own).join()).toContain('header file of the candidate');
  const asked: Artefacts = new Map([['asked', Buffer.concat(incumbent.requests)]]);
  expect(leaksOf(asked, hidden).length).toBeGreaterThan(0);

  const artefacts: Artefacts = new Map([
    ['answer 502', refusal],
    ...(await spokenArtefacts(instance)),
    ...(await kafkaArtefacts(scene)),
    ...writtenArtefacts(instance),
  ]);
  await instance.stop();
  for (const [name, bytes] of writtenArtefacts(instance)) artefacts.set(`${name}, after`, bytes);
  // All at once, so that a failure names every leak.
  expect([...leaksOf(copies, hidden), ...leaksOf(artefacts, hidden, sent, own)]).toEqual([]);
}, 600_000);
