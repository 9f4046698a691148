import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own, short enough for sockets, removed when the test has finished. */
export function tempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
