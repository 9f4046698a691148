import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own, short enough for sockets, removed when the test has finished. */
export function tempFolder(): string {
  const { path, remove } = removableFolder();
  onTestFinished(remove);
  return path;
}

/** The same for what outlives a test. */
export function removableFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'und-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
