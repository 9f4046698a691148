import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { findRunFolder } from '../../src/main/commands/instance.ts';
import { findDataFolder } from '../../src/main/commands/pairs.ts';
import { tempFolder } from '../support/temp-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A configuration of an instance of its own. */
function configIn(name: string): string {
  const file = join(tempFolder(), 'u.yaml');
  writeFileSync(
    file,
    `runDir: ${name}-run
dataDir: ${name}-data
listeners: [{ listen: 127.0.0.1:0, incumbent: 'http://127.0.0.1:9' }]
routes: [{ name: score, path: /score }]
candidates: [{ name: next, url: 'http://127.0.0.1:9' }]
`,
  );
  return file;
}

it('looks for an instance where it is told: --run, --config, UNDERSTUDY_RUN, UNDERSTUDY_CONFIG, here', async () => {
  const pathOf = async (options: Parameters<typeof findRunFolder>[0]) =>
    (await findRunFolder(options)).path;
  vi.stubEnv('UNDERSTUDY_RUN', '');
  vi.stubEnv('UNDERSTUDY_CONFIG', '');
  expect(await pathOf({})).toMatch(/\.understudy\/run$/);
  vi.stubEnv('UNDERSTUDY_CONFIG', configIn('env'));
  expect(await pathOf({})).toMatch(/env-run$/);
  vi.stubEnv('UNDERSTUDY_RUN', '/somewhere');
  expect(await pathOf({})).toBe('/somewhere');
  const config = configIn('told');
  expect(await pathOf({ config })).toMatch(/told-run$/);
  expect(await pathOf({ config, run: '/told' })).toBe('/told');
});

it('finds the data folder of UNDERSTUDY_CONFIG without an instance, unless another one is meant', async () => {
  vi.stubEnv('UNDERSTUDY_RUN', '');
  vi.stubEnv('UNDERSTUDY_CONFIG', configIn('env'));
  expect(await findDataFolder({})).toMatch(/env-data$/);
  expect(await findDataFolder({ data: '/told' })).toBe('/told');
  await expect(findDataFolder({ run: tempFolder() })).rejects.toMatchObject({
    code: 'UND_ADMIN_UNREACHABLE',
  });
});
