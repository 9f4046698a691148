/**
 * Notices that a configuration file is another one: by its inode, size and times, looked at every
 * LIMITS.configWatchMs through all symbolic links, so that a ConfigMap's swapped link is seen, too.
 */
import { statSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';

/**
 * @param onChange - called once for each change that has lasted two looks: a file is not read half written
 * @returns stops it
 */
export function watchConfig(file: string, onChange: () => void): () => void {
  let told = stampOf(file);
  let seen = told;
  const timer = setInterval(() => {
    const stamp = stampOf(file);
    const isSettled = stamp === seen;
    seen = stamp;
    // A file that is not there, as between two steps of a deployment, is no new configuration.
    if (!isSettled || stamp === told || stamp === '') return;
    told = stamp;
    onChange();
  }, LIMITS.configWatchMs).unref();
  return () => clearInterval(timer);
}

function stampOf(file: string): string {
  try {
    const { ino, dev, size, mtimeMs, ctimeMs } = statSync(file);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return '';
  }
}
