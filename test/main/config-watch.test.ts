import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchConfig } from '../../src/main/config-watch.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

/** As Kubernetes mounts a ConfigMap: `u.yaml` → `..data/u.yaml`, `..data` → a folder that is swapped. */
function writeVersion(folder: string, version: string, text: string): void {
  mkdirSync(join(folder, version));
  writeFileSync(join(folder, version, 'u.yaml'), text);
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

it('notices a swapped link of a ConfigMap and a rewritten file once, and not a missing one', async () => {
  const folder = tempFolder();
  const file = join(folder, 'u.yaml');
  symlinkSync(join('..data', 'u.yaml'), file);
  writeVersion(folder, 'v1', 'a: 1');
  let changes = 0;
  const stop = watchConfig(file, () => {
    changes += 1;
  });
  onTestFinished(stop);
  writeVersion(folder, 'v2', 'a: 1');
  await until('the swap is noticed', () => changes === 1);
  rmSync(join(folder, 'v2'), { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(changes).toBe(1);
  writeVersion(folder, 'v3', 'a: 2');
  await until('the file is there again', () => changes === 2);
  writeFileSync(join(folder, 'v3', 'u.yaml'), 'a: 3');
  await until('the rewritten file is noticed', () => changes === 3);
});
