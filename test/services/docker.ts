/**
 * A real Docker daemon for tests: one that answers, else one that the test run starts (root and
 * Debian packages needed) and stops at its end. Images are pulled where that works, and made on the
 * spot from Debian and npm packages where it does not.
 */
import { join } from 'node:path';
import { testRun } from './global-setup.ts';
import { type Output, type RunOptions, runScript } from './run-script.ts';
import { missingService, type Skipped } from './skipped.ts';

const script = join(import.meta.dirname, 'docker-host.sh');
const BUILD_TIMEOUT_MS = 900_000;

/** Thin wrappers around the commands `docker` and `docker-compose`; all of them throw on failure. */
export interface DockerService {
  /** `docker ARGS…`; its standard output without the last line break. */
  docker(args: readonly string[], options?: RunOptions): Promise<string>;
  /** `docker run --rm ARGS…`: IMAGE and command come last. */
  run(args: readonly string[], options?: RunOptions): Promise<string>;
  /**
   * Builds an image with the classic builder (Debian has no buildx) and the host's network, within
   * 15 minutes.
   *
   * @param dockerfile - path of the Dockerfile
   * @param context - folder that COPY copies from
   */
  build(dockerfile: string, tag: string, context: string): Promise<Output>;
  /** `docker-compose ARGS…` (or `docker compose` where only that is there), say in `cwd`. */
  compose(args: readonly string[], options?: RunOptions): Promise<Output>;
  /** Makes an image out of a minimal Debian and these packages, unless the tag is there. */
  image(tag: string, packages: readonly string[]): Promise<void>;
  /**
   * Makes an image with one Kafka broker (port 9092), unless the tag is there. It reads the same
   * `KAFKA_…` variables as the official image, so it can stand in for it.
   */
  kafkaImage(tag: string): Promise<void>;
}

/**
 * Finds or starts a daemon and sees to it that `node:24-bookworm-slim` is there (made once, about
 * 45 s). The daemon is shared by the whole test run: remove your own containers and images.
 *
 * @returns what is missing, in one line, where there is no daemon and none can be started
 * @throws {Error} if the daemon does not start, or with `CI=true` if something is missing
 */
export async function requireDocker(): Promise<DockerService | Skipped> {
  const { stdout } = await runScript(script, ['missing']);
  if (stdout !== '') return missingService('Docker', stdout.trim());
  const { folder, owner } = testRun();
  await runScript(script, ['up', join(folder, 'docker')], {
    env: { DOCKER_OWNER: String(owner) },
  });
  await runScript(script, ['base'], { timeoutMs: BUILD_TIMEOUT_MS });
  const [compose, ...composeArgs] = await findCompose();
  const docker: DockerService['docker'] = async (args, options) =>
    (await runScript('docker', args, options)).stdout.trimEnd();
  return {
    docker,
    run: (args, options) => docker(['run', '--rm', ...args], options),
    build: (dockerfile, tag, context) =>
      runScript('docker', ['build', '--network=host', '-f', dockerfile, '-t', tag, context], {
        env: { DOCKER_BUILDKIT: '0' },
        timeoutMs: BUILD_TIMEOUT_MS,
      }),
    compose: (args, options) =>
      runScript(compose, [...composeArgs, ...args], {
        ...options,
        env: { DOCKER_BUILDKIT: '0', COMPOSE_DOCKER_CLI_BUILD: '0', ...options?.env },
      }),
    image: async (tag, packages) => {
      await runScript(script, ['image', tag, ...packages], { timeoutMs: BUILD_TIMEOUT_MS });
    },
    kafkaImage: async (tag) => {
      await runScript(script, ['kafka', tag], { timeoutMs: BUILD_TIMEOUT_MS });
    },
  };
}

async function findCompose(): Promise<[command: string, ...args: string[]]> {
  try {
    await runScript('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch {
    return ['docker-compose'];
  }
}
