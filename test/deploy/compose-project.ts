/** docker-compose.yml, brought up as a project of its own on free ports, with an image built for it. */
import { connect } from 'node:net';
import { join } from 'node:path';
import type { DockerService } from '../services/docker.ts';
import { runScript } from '../services/run-script.ts';
import { freePort } from '../support/free-port.ts';

const root = join(import.meta.dirname, '..', '..');
const KAFKA_IMAGE = 'understudy-test/kafka:4';
const UP_TIMEOUT_MS = 120_000;

export type Service = 'gateway' | 'backstage' | 'incumbent' | 'kafka';

/** Ports on 127.0.0.1. */
export interface ComposePorts {
  readonly gateway: number;
  readonly incumbent: number;
  readonly admin: number;
  readonly metrics: number;
  readonly kafka: number;
}

export class ComposeProject {
  readonly docker: DockerService;
  readonly ports: ComposePorts;
  readonly #name = `understudy-test-${process.pid}`;
  readonly #tag = `understudy-test/image:${process.pid}`;
  readonly #env: Record<string, string>;
  #danglingBefore: ReadonlySet<string> = new Set();

  private constructor(docker: DockerService, ports: ComposePorts, env: Record<string, string>) {
    this.docker = docker;
    this.ports = ports;
    this.#env = {
      ...env,
      KAFKA_IMAGE,
      UNDERSTUDY_COMPOSE_IMAGE: this.#tag,
      UNDERSTUDY_COMPOSE_LISTEN: `127.0.0.1:${ports.gateway}`,
      UNDERSTUDY_COMPOSE_INCUMBENT: `127.0.0.1:${ports.incumbent}`,
      UNDERSTUDY_COMPOSE_ADMIN: `127.0.0.1:${ports.admin}`,
      UNDERSTUDY_COMPOSE_METRICS: `127.0.0.1:${ports.metrics}`,
      UNDERSTUDY_COMPOSE_KAFKA_PORT: String(ports.kafka),
    };
  }

  /** @param env - further variables of docker-compose.yml */
  static async create(docker: DockerService, env: Record<string, string>): Promise<ComposeProject> {
    const ports = {
      gateway: await freePort(),
      incumbent: await freePort(),
      admin: await freePort(),
      metrics: await freePort(),
      kafka: await freePort(),
    };
    return new ComposeProject(docker, ports, env);
  }

  /** Builds the image from the Dockerfile, sees to a Kafka image, and brings all services up. */
  async up(): Promise<void> {
    this.#danglingBefore = await this.#dangling();
    await this.docker.build(join(root, 'Dockerfile'), this.#tag, root);
    await this.docker.kafkaImage(KAFKA_IMAGE);
    await this.compose(['up', '--detach', '--no-build']);
  }

  /** `docker compose ARGS…` of this project; its standard output. */
  async compose(args: readonly string[]): Promise<string> {
    const { stdout } = await this.docker.compose(['--project-name', this.#name, ...args], {
      cwd: root,
      env: this.#env,
      timeoutMs: UP_TIMEOUT_MS,
    });
    return stdout;
  }

  /** Runs a command in a container, as `docker compose exec SERVICE ARGS…` does. */
  exec(service: Service, ...args: string[]): Promise<string> {
    return this.compose(['exec', '-T', service, ...args]);
  }

  /** The container's id. */
  async container(service: Service): Promise<string> {
    return (await this.compose(['ps', '--quiet', service])).trim();
  }

  /** `docker inspect`, one value by a Go template. */
  async inspect(service: Service, template: string): Promise<string> {
    return this.docker.docker(['inspect', '--format', template, await this.container(service)]);
  }

  /** The command line of this checkout, on the host: outside of all containers. */
  async understudy(...args: string[]): Promise<string> {
    const program = join(root, 'bin', 'understudy.js');
    return (await runScript(process.execPath, [program, ...args])).stdout;
  }

  /** What the containers have said, for a test that failed. */
  logs(): Promise<string> {
    return this.compose(['logs', '--no-color', '--tail=30', 'gateway', 'backstage', 'incumbent']);
  }

  /** Removes containers, networks, volumes, the image and what its build has left behind. */
  async down(): Promise<void> {
    await this.compose(['down', '--volumes', '--timeout', '5']);
    await this.docker.docker(['image', 'rm', '--force', this.#tag]);
    const left = [...(await this.#dangling())].filter((id) => !this.#danglingBefore.has(id));
    if (left.length > 0) await this.docker.docker(['image', 'rm', '--force', ...left]);
  }

  async #dangling(): Promise<Set<string>> {
    const filters = ['--filter', 'dangling=true', '--filter', 'label=understudy.stage=build'];
    const ids = await this.docker.docker(['images', '--quiet', ...filters]);
    return new Set(ids.split('\n').filter((id) => id !== ''));
  }
}

/**
 * Sends bytes to a port of the loopback and reads until the peer ends the connection, at most 10 s.
 *
 * @param request - asks for `Connection: close`
 */
export function askRaw(port: number, request: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const socket = connect(port, '127.0.0.1', () => socket.write(request));
  socket.setTimeout(10_000, () => socket.destroy(new Error(`port ${port} is silent`)));
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`port ${port} closed the connection`)));
  return promise;
}
