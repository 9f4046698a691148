/** Where the programs of our processes and threads stand. Needs no package. */
import { extname, join } from 'node:path';

/** A process (gateway, mirror, model, admin) or a thread of the mirror (recorder, publisher). */
export type EntryName = 'gateway' | 'mirror' | 'model' | 'admin' | 'recorder' | 'publisher';

/**
 * Absolute path of the program of a process or thread, beside this file, with the extension that this
 * file has: `.ts` in a checkout (Node strips the types), `.js` in a build.
 */
export function entryOf(name: EntryName): string {
  return join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
}
