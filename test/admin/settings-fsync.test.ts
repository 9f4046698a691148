/** A change that is reported as failed is in force nowhere; the run folder's last step cannot fail. */
import { mkdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { SettingsStore } from '../../src/admin/settings-store.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { configIn } from './config.ts';

const failing = vi.hoisted(() => ({ folder: '' }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const fsyncSync = (fd: number): void => {
    if (fs.readlinkSync(`/proc/self/fd/${fd}`) === failing.folder) throw new Error('EIO');
    fs.fsyncSync(fd);
  };
  return { ...fs, fsyncSync };
});

test.each(['dataDir', 'runDir'] as const)('a %s that cannot be synced', (name) => {
  const config = configIn(tempFolder());
  for (const folder of [config.runDir, config.dataDir]) mkdirSync(folder, { recursive: true });
  const store = new SettingsStore(config, runFolder(config.runDir));
  store.change({ enabled: false, reason: 'first' }, { by: 'ann', remote: '' });
  failing.folder = config[name];
  const change = () => store.change({ enabled: true, reason: 'r' }, { by: 'ann', remote: '' });
  if (name === 'dataDir') {
    expect(change).toThrow(expect.objectContaining({ code: 'UND_SETTINGS_WRITE' }));
  } else {
    change();
  }
  const expected =
    name === 'dataDir' ? { version: 1, enabled: false } : { version: 2, enabled: true };
  expect(store.settings).toMatchObject(expected);
  failing.folder = '';
  store.reconcile();
  expect(store.settings).toMatchObject(expected);
  expect(new SettingsStore(config, runFolder(config.runDir)).settings).toMatchObject(expected);
});
