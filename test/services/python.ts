import { join } from 'node:path';
import { runScript } from './run-script.ts';

/**
 * A Python with what an example or a job needs.
 *
 * @param folder - is made
 * @param more - options of pip
 * @returns its path, or in one line why there is none
 */
export async function pythonIn(
  folder: string,
  requirements: string,
  more: readonly string[] = [],
): Promise<{ python: string } | { skipped: string }> {
  const python = join(folder, 'bin/python');
  try {
    await runScript('python3', ['-m', 'venv', folder]);
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
    ];
    await runScript(python, [...pip, ...more, '-r', requirements]);
    return { python };
  } catch (error) {
    const [line = ''] = String(error).trim().split('\n').slice(-1);
    return { skipped: `no Python with the packages of ${requirements}: ${line.slice(0, 200)}` };
  }
}
