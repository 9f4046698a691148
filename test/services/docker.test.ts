import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requireDocker } from './docker.ts';

const docker = await requireDocker();
if ('skipped' in docker) test.skip(docker.skipped, () => {});
else {
  describe('Docker', () => {
    test('builds an image on the base image, runs it and removes it', async () => {
      const context = await mkdtemp(join(tmpdir(), 'understudy-image-'));
      const tag = `understudy-test/trivial:${process.pid}`;
      const dockerfile = join(context, 'Dockerfile');
      try {
        await writeFile(
          dockerfile,
          'FROM node:24-bookworm-slim\nCOPY answer.txt /\nUSER node\n' +
            'CMD ["node", "-p", "process.version + fs.readFileSync(\'/answer.txt\')"]\n',
        );
        await writeFile(join(context, 'answer.txt'), ' built');
        await docker.build(dockerfile, tag, context);
        expect(await docker.run([tag])).toMatch(/^v24\.\d+\.\d+ built$/);
        expect(await docker.run(['--memory=64m', tag, 'id', '-un'])).toBe('node');
      } finally {
        await docker.docker(['image', 'rm', '-f', tag]);
        await rm(context, { recursive: true, force: true });
      }
      await expect(docker.docker(['image', 'inspect', tag])).rejects.toThrow(/No such image/);
    });

    test('brings a compose project up and down', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'understudy-compose-'));
      const project = ['-p', `understudy-test-${process.pid}`];
      try {
        await writeFile(
          join(folder, 'docker-compose.yml'),
          'version: "3"\nservices:\n  one:\n    image: node:24-bookworm-slim\n' +
            '    command: ["node", "-e", "console.log(\'up\'); setInterval(() => {}, 1e3)"]\n',
        );
        await docker.compose([...project, 'up', '-d'], { cwd: folder });
        const { stdout } = await docker.compose([...project, 'ps', '-q'], { cwd: folder });
        const state = ['inspect', '-f', '{{.State.Running}}', stdout.trim()];
        expect(await docker.docker(state)).toBe('true');
      } finally {
        await docker.compose([...project, 'down', '-t', '1'], { cwd: folder });
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}
