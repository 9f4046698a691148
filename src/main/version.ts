import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of Understudy: that of its package.json, two folders up in a checkout and in a build. */
export function readVersion(): string {
  const path = join(import.meta.dirname, '..', '..', 'package.json');
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new Error(`${path} has no version`);
}
