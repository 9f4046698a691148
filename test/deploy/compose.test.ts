/**
 * The image is built and docker-compose.yml brought up for real, and used in the ways that docs/docker.md
 * tells. The tests run in order, on one project.
 */
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { StatusReport } from '../../src/admin/status-report.ts';
import { readDemoRows } from '../../src/demo/dataset.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { requireDocker } from '../services/docker.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { askRaw, ComposeProject, type Service } from './compose-project.ts';

const root = join(import.meta.dirname, '..', '..');
/** The first use builds Kafka's image and Node's, too. */
const UP_TIMEOUT_MS = 600_000;
const TEST_TIMEOUT_MS = 60_000;

const rows = readDemoRows(join(root, 'models', 'lending-club'));
let nextRow = 0;

/** A scoring request that nobody has sent yet, and where it will be known by. */
function freshRequest(): { request: string; loan: string } {
  const row = rows[nextRow++];
  if (row === undefined) throw new Error('no rows left');
  const head = `POST /v1/score HTTP/1.1\r\nHost: scoring.example\r\nContent-Type: application/json\r\n`;
  const length = `Content-Length: ${Buffer.byteLength(row.body)}\r\nConnection: close\r\n\r\n`;
  return { request: head + length + row.body, loan: row.id };
}

const withoutDate = (answer: string): string => answer.replace(/^Date: .*$/im, 'Date: …');

const docker = await requireDocker();
if ('skipped' in docker) test.skip(docker.skipped, () => {});
else {
  describe('the compose project', { timeout: TEST_TIMEOUT_MS }, () => {
    let project: ComposeProject;
    let folder: string;
    let tokenFile: string;
    let ownTokenFile: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'understudy-compose-'));
      ownTokenFile = join(folder, 'own-token');
      tokenFile = join(folder, 'admin.token');
      writeFileSync(ownTokenFile, 'a-token-that-an-operator-has-drawn\n');
      project = await ComposeProject.create(docker, {
        UNDERSTUDY_COMPOSE_TOKEN_FILE: ownTokenFile,
      });
      await project.up();
    }, UP_TIMEOUT_MS);

    afterAll(async () => {
      await project?.down();
      await rm(folder, { recursive: true, force: true });
    }, TEST_TIMEOUT_MS);

    const tellLogs = (): void => {
      onTestFailed(async () => console.error(await project.logs()));
    };

    /** The admin API, by the port that is published on the host. */
    async function status(): Promise<StatusReport> {
      const token = readFileSync(tokenFile, 'utf8').trim();
      const answer = await fetch(`http://127.0.0.1:${project.ports.admin}/v1/status`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return (await answer.json()) as StatusReport;
    }

    async function pairOf(loan: string): Promise<Pair> {
      const brokers = [`127.0.0.1:${project.ports.kafka}`];
      return until(
        `a pair of ${loan}`,
        async () => {
          const messages = await readWithKafkajs(brokers, 'understudy.pairs');
          const pairs = messages.map(({ value }): Pair => JSON.parse(value ?? ''));
          return pairs.find(({ join }) => join === loan);
        },
        45_000,
      );
    }

    /** Through the gateway, and asked of the incumbent directly: the same bytes, but for the time. */
    async function expectUnchanged(): Promise<string> {
      const { request, loan } = freshRequest();
      const answer = await askRaw(project.ports.gateway, request);
      const direct = await askRaw(project.ports.incumbent, request);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"label":"(good|bad)"/s);
      expect(withoutDate(answer)).toBe(withoutDate(direct));
      return loan;
    }

    const untilMirrored = (): Promise<true> =>
      until(
        'gateway, mirror and model are up',
        async () => {
          const { gateways, processes, mirror } = await status();
          const model = processes.some(({ process }) => process === 'model');
          return model && mirror !== null && gateways[0]?.wire.connected === true;
        },
        45_000,
      );

    const untilInForce = (version: number): Promise<true> =>
      until(
        `settings ${version} in gateway, mirror and admin`,
        async () => {
          const { processes } = await status();
          return processes.filter((p) => p.settingsVersion === version).length === 3;
        },
        1_000,
      );

    test('hands out the admin token that the first start has made', async () => {
      tellLogs();
      const token = await until(
        'the token',
        () => project.exec('backstage', 'cat', '/var/lib/understudy/admin.token'),
        45_000,
      );
      expect(token).toMatch(/^[0-9a-f]{64}\s*$/);
      writeFileSync(tokenFile, token, { mode: 0o600 });
      await untilMirrored();
    });

    test('returns the answer unchanged, and its pair arrives on the topic', async () => {
      tellLogs();
      const pair = await pairOf(await expectUnchanged());
      const schema = JSON.parse(readFileSync(join(root, 'schemas/pair-1.schema.json'), 'utf8'));
      const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(
        schema,
      );
      expect(validate(pair), JSON.stringify(validate.errors)).toBe(true);
      expect(pair).toMatchObject({
        instance: 'compose/gw0',
        state: 'paired',
        incumbent: { status: 200, model_version: 'lending-club-lr-1' },
        candidate: { name: 'boosting', status: 200, model_version: 'lending-club-gb-1' },
      });
    });

    test('scores the request that docs/docker.md shows', async () => {
      const docs = readFileSync(join(root, 'docs', 'docker.md'), 'utf8');
      const body = /-d '(\{.+?\})'/s.exec(docs)?.[1] ?? '';
      const answer = await fetch(`http://127.0.0.1:${project.ports.gateway}/v1/score`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(await answer.json()).toMatchObject({ model_version: 'lending-club-lr-1' });
    });

    test('lets the rate be set from outside the containers, in force within a second', async () => {
      tellLogs();
      const from = ['--admin', `http://127.0.0.1:${project.ports.admin}`];
      const outside = [...from, '--token-file', tokenFile];
      await project.understudy('rate', 'set', '0%', '--reason', 'too much load', ...outside);
      const { version } = (await status()).settings;
      await untilInForce(version);
      await expectUnchanged();
      const after = await until('it is counted', async () => {
        const { states } = (await status()).waterfall.exchanges;
        return states.find(({ state }) => state === 'not_selected');
      });
      expect(after.count).toBe(1);
      expect(await project.understudy('rate', 'get', ...outside)).toContain('0 %');

      // The way that needs no port and no token of the operator's.
      const set = ['understudy', 'rate', 'set', '100%', '--reason', 'load is gone'];
      expect(await project.exec('backstage', ...set)).toContain('100 %');
      await untilInForce(version + 1);
      const pair = await pairOf(await expectUnchanged());
      expect(pair.selection).toMatchObject({ probability: 1, settings_version: version + 1 });
    });

    test('publishes metrics of both halves', async () => {
      const answer = await fetch(`http://127.0.0.1:${project.ports.metrics}/metrics`);
      const text = await answer.text();
      for (const process of ['gw0', 'mirror', 'model-boosting', 'admin']) {
        expect(text).toContain(`understudy_process_up{process="${process}"} 1`);
      }
    });

    test.each<Service>(['gateway', 'backstage', 'incumbent'])(
      'runs %s without root, capabilities and a writable root, within limits',
      async (service) => {
        expect((await project.exec(service, 'id', '-u')).trim()).toBe('1000');
        const capabilities = await project.exec(service, 'grep', 'Cap', '/proc/1/status');
        expect(capabilities).toMatch(/^(Cap[A-Z][a-z]+:\s+0{16}\s+)+$/);
        for (const path of ['/app/x', '/tmp/x', '/home/node/x']) {
          await expect(project.exec(service, 'touch', path)).rejects.toThrow(/Read-only/);
        }
        const limits =
          '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.SecurityOpt}}';
        expect(await project.inspect(service, limits)).toMatch(
          /^[1-9]\d{8,} 1000000000 \[no-new-privileges:true\]$/,
        );
      },
    );

    test('shares only the run folder between gateway and backstage', async () => {
      const names = '{{range .Mounts}}{{.Destination}} {{end}}';
      const places = async (service: Service) =>
        (await project.inspect(service, names)).trim().split(' ').sort();
      expect(await places('gateway')).toEqual([
        '/etc/understudy/understudy.yaml',
        '/run/understudy',
      ]);
      expect(await places('backstage')).toEqual([
        '/etc/understudy/understudy.yaml',
        '/run/understudy',
        '/var/lib/understudy',
      ]);
    });

    test('is healthy by a check that needs no Node', async () => {
      for (const service of ['gateway', 'backstage'] as const) {
        await project.exec(service, 'understudy-health');
      }
      await expect(project.exec('gateway', 'understudy-health', '9901')).rejects.toThrow(
        /nothing listens on 9901/,
      );
      const check = await project.inspect('gateway', '{{json .Config.Healthcheck}}');
      expect(JSON.parse(check)).toMatchObject({ Test: ['CMD', 'understudy-health'] });
      expect(JSON.parse(check).Interval).toBeGreaterThanOrEqual(30e9);
    });

    test('takes a token of the operator’s own from a secret', async () => {
      tellLogs();
      // What docs/docker.md says: readable for user 1000, and nobody else.
      if (process.getuid?.() === 0) {
        chownSync(ownTokenFile, 1000, 1000);
        chmodSync(ownTokenFile, 0o400);
      }
      const files = ['--file', 'docker-compose.yml', '--file', 'deploy/compose/own-token.yml'];
      await project.compose([...files, 'up', '--detach', '--no-build', '--no-deps', 'backstage']);
      tokenFile = ownTokenFile;
      await untilMirrored();
      const settings = (await status()).settings;
      expect(settings.changed?.reason).toBe('load is gone');
    });

    test('goes on answering when backstage is killed, and mirrors again when it is back', async () => {
      tellLogs();
      const backstage = await project.container('backstage');
      await docker.docker(['kill', backstage]);
      for (let i = 0; i < 5; i += 1) await expectUnchanged();
      await project.exec('gateway', 'understudy-health');
      await docker.docker(['start', backstage]);
      await untilMirrored();
      await pairOf(await expectUnchanged());
      const { waterfall } = await status();
      expect(waterfall.sums.filter(({ ok }) => !ok)).toEqual([]);
    });

    test('ends in order when it is told to: SIGTERM reaches the supervisors', async () => {
      tellLogs();
      const services = ['gateway', 'backstage', 'incumbent'] as const;
      const containers = await Promise.all(services.map((service) => project.container(service)));
      await docker.docker(['stop', '--time', '40', ...containers]);
      const codes = containers.map((id) => ['inspect', '--format', '{{.State.ExitCode}}', id]);
      expect(await Promise.all(codes.map((args) => docker.docker(args)))).toEqual(['0', '0', '0']);
    });
  });
}
