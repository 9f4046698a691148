/** Programs of Debian packages that some tests need: nginx, haproxy, slowhttptest. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missingService, type Skipped } from './skipped.ts';

/**
 * Where a program is.
 *
 * @param name - of the command; also looked for where root's commands are
 * @param debianPackage - that has it
 * @throws {Error} with `CI=true` in the environment, when it is missing
 */
export function requireProgram(name: string, debianPackage: string): string | Skipped {
  return (
    findProgram(name) ?? missingService(name, `no ${name} here (Debian package ${debianPackage})`)
  );
}

/** The same for a program that may be missing anywhere: it is in no package of Debian. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
