/**
 * M-18: gateway and backstage in two containers that share the run folder and nothing else. Backstage gets a tenth
 * of a core: callers do not notice, and the books add up afterwards.
 */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { exchangesOf, legsOf } from '../e2e/instance.ts';
import { expectServed, Load } from '../e2e/load.ts';
import { NewCallers } from '../e2e/new-callers.ts';
import { closeWithTest } from '../e2e/server.ts';
import { type DockerService, requireDocker } from '../services/docker.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const ROOT = realpathSync(join(import.meta.dirname, '..', '..'));
const CLI = join(ROOT, 'src/main/cli.ts');
const IMAGE = 'node:24-bookworm-slim';
const UP_MS = 60_000;

/** What callers may wait at the longest: far more than the incumbent takes, on a machine that is busy besides. */
const LONGEST_MS = 5_000;

const docker = await requireDocker();

/** An instance of two containers on the host's network, their folder at the same path as outside. */
class TwoContainers {
  readonly port: number;
  readonly run;
  readonly #docker: DockerService;
  readonly #folder: string;
  readonly #names: string[] = [];

  constructor(service: DockerService, port: number) {
    this.#docker = service;
    this.port = port;
    this.#folder = tempFolder();
    this.run = runFolder(join(this.#folder, 'run'));
    mkdirSync(join(this.#folder, 'data'), { mode: 0o700 });
    let logs = '';
    onTestFailed(() => console.error(logs));
    onTestFinished(async () => {
      logs = await this.#logs();
      for (const name of this.#names) await this.#docker.docker(['rm', '-f', name]);
    }, UP_MS);
  }

  configure(sections: object): void {
    const listeners = sections as { listeners?: unknown };
    const folders = { runDir: this.run.path, dataDir: join(this.#folder, 'data') };
    writeFileSync(this.#config, stringify({ experiment: 'm18', ...folders, ...listeners }));
  }

  async start(role: 'gateway' | 'backstage'): Promise<string> {
    const name = `understudy-m18-${role}-${process.pid}-${Date.now()}`;
    this.#names.push(name);
    const volumes = ['-v', `${this.#folder}:${this.#folder}`, '-v', `${ROOT}:${ROOT}:ro`];
    const command = [IMAGE, 'node', CLI, 'serve', '--config', this.#config, '--role', role];
    const flags = ['run', '-d', '--network=host', '--name', name, ...volumes];
    await this.#docker.docker([...flags, ...command]);
    await until(
      `${role} is up`,
      async () => (await this.supervisor(role)).children.every(({ state }) => state === 'running'),
      UP_MS,
    );
    return name;
  }

  supervisor(role: 'gateway' | 'backstage'): Promise<SupervisorStatus> {
    return readStatus(this.run.statusSocket(`supervisor-${role}`));
  }

  mirror(): Promise<MirrorStatus> {
    return readStatus(this.run.statusSocket('mirror'));
  }

  async paired(): Promise<number> {
    const { legs } = await this.mirror();
    return legs
      .filter(({ state }) => state === 'paired')
      .reduce((sum, { count }) => sum + count, 0);
  }

  get #config(): string {
    return join(this.#folder, 'understudy.yaml');
  }

  async #logs(): Promise<string> {
    const logs = this.#names.map((name) =>
      this.#docker.docker(['logs', '--tail', '30', name]).catch(String),
    );
    return (await Promise.all(logs)).join('\n');
  }
}

async function setScene(service: DockerService) {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const containers = new TwoContainers(service, await freePort());
  containers.configure({
    listeners: [
      { name: 'main', listen: `127.0.0.1:${containers.port}`, incumbent: incumbent.address },
    ],
    routes: [{ name: 'score', path: '/v1/score' }],
    candidates: [candidate.section('cand', { timeoutMs: 60_000, maxInFlight: 10_000 })],
    admin: { listen: `127.0.0.1:${await freePort()}` },
    metrics: null,
    mirror: { maxQueueAgeMs: 120_000 },
    gateway: { heartbeatTimeoutMs: 120_000 },
  });
  await containers.start('gateway');
  return { incumbent, containers };
}

async function gatewayOf(containers: TwoContainers) {
  const { children } = await containers.supervisor('gateway');
  return children.map(({ pid, restarts }) => ({ pid, restarts }));
}

if ('skipped' in docker) test.skip(docker.skipped, () => {});
else {
  describe('gateway and backstage in two containers', { timeout: 300_000 }, () => {
    beforeAll(async () => void (await docker.docker(['image', 'inspect', IMAGE])), UP_MS);

    test('M-18 backstage has a tenth of a core: the gateway is unmoved', async () => {
      const { incumbent, containers } = await setScene(docker);
      const backstage = await containers.start('backstage');
      const before = await gatewayOf(containers);
      const load = await Load.start({ port: containers.port, ratePerSecond: 200 });
      const callers = new NewCallers(containers.port, 2);
      await until('pairs', async () => (await containers.paired()) > 50, UP_MS);
      await docker.docker(['update', '--cpus', '0.1', backstage]);
      await load.answers(2_000, 60_000);
      await docker.docker(['update', '--cpus', '2', backstage]);
      const paired = await containers.paired();
      await until('pairs again', async () => (await containers.paired()) > paired + 50, UP_MS);
      await load.stop();
      await callers.stop();
      expectServed(load, incumbent);
      expect(callers.faults).toEqual([]);
      expect(callers.longestMs).toBeLessThan(LONGEST_MS);
      expect(await gatewayOf(containers)).toEqual(before);
      const waterfall = await expectBooksToBalance(containers.run.path, { timeoutMs: 90_000 });
      console.info(
        `${callers.answered} new callers, slowest ${Math.round(callers.longestMs)} ms; ` +
          `${JSON.stringify(exchangesOf(waterfall))} ${JSON.stringify(legsOf(waterfall))}`,
      );
    });
  });
}
