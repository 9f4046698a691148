import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SettingsStore } from '../../src/admin/settings-store.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { parseSettings, SettingsReader } from '../../src/telemetry/settings-reader.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { configIn } from './config.ts';

const kim = { by: 'kim', remote: '127.0.0.1' };

function start() {
  const config = configIn(tempFolder());
  const folder = runFolder(config.runDir);
  mkdirSync(config.runDir, { recursive: true });
  mkdirSync(config.dataDir, { recursive: true });
  const open = () => new SettingsStore(config, folder);
  const audit = () =>
    readFileSync(join(config.dataDir, 'audit.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { config, folder, open, audit, store: open() };
}

describe('SettingsStore', () => {
  it('writes nothing while nobody has changed anything', () => {
    const { config, folder, store } = start();
    expect(store.settings.version).toBe(0);
    expect(readdirSync(config.dataDir)).toEqual([]);
    expect(existsSync(folder.settings)).toBe(false);
  });

  it('I9: counts the version up, audits who, when, from, to, why and how, and publishes', () => {
    const { config, folder, store, audit } = start();
    store.change({ rates: { v7: 0.5 }, reason: 'ramp up' }, kim);
    store.change({ enabled: false, reason: 'sick' }, { by: 'lee', remote: '::1' });
    const published = parseSettings(readFileSync(folder.settings, 'utf8'));
    expect(published).toMatchObject({ version: 2, enabled: false, rates: { v7: 0.5, v8: 1 } });
    expect(published?.changed).toMatchObject({ by: 'lee', reason: 'sick' });
    expect(audit()).toMatchObject([
      {
        by: 'kim',
        how: 'api',
        remote: '127.0.0.1',
        version: 1,
        from: { enabled: true, rates: { v7: 0.25, v8: 1 } },
        to: { enabled: true, rates: { v7: 0.5, v8: 1 } },
        reason: 'ramp up',
      },
      { by: 'lee', version: 2, from: { enabled: true }, to: { enabled: false }, reason: 'sick' },
    ]);
    expect(new Date(audit()[0].at).toISOString()).toBe(audit()[0].at);
    for (const file of ['settings.json', 'audit.ndjson']) {
      expect(statSync(join(config.dataDir, file)).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(config.runDir)).toEqual(['settings.json']);
  });

  it('survives a restart, also when the run folder was on a file system that is gone', () => {
    const { config, folder, store, open } = start();
    store.change({ enabled: false, reason: 'off' }, kim);
    rmSync(config.runDir, { recursive: true });
    mkdirSync(config.runDir);
    expect(open().settings).toMatchObject({ version: 1, enabled: false });
    const reader = new SettingsReader(folder, config);
    reader.start();
    reader.stop();
    expect(reader.paused).toBe('operator');
  });

  it.each([
    ['removed', null],
    ['damaged', '{'],
    ['replaced by an older one', '{"version":0,"enabled":true,"rates":{},"changed":null}'],
  ])('mends a published file that was %s', (_, text) => {
    const { folder, store } = start();
    store.change({ enabled: false, reason: 'off' }, kim);
    if (text === null) rmSync(folder.settings);
    else writeFileSync(folder.settings, text);
    store.reconcile();
    expect(parseSettings(readFileSync(folder.settings, 'utf8'))?.enabled).toBe(false);
  });

  it('takes over a file with a higher version, written by hand while admin was away', () => {
    const { folder, open, store, audit } = start();
    store.change({ rates: { v7: 1 }, reason: 'all' }, kim);
    writeFileSync(folder.settings, '{"version":7,"enabled":false,"rates":{},"changed":null}');
    expect(open().settings).toMatchObject({ version: 7, enabled: false });
    expect(audit().at(-1)).toMatchObject({ how: 'file', version: 7, to: { enabled: false } });
  });

  it('T-04: refuses a change of a version that is no longer in force', () => {
    const { store } = start();
    store.change({ enabled: false, reason: 'off' }, kim, 0);
    expect(() => store.change({ enabled: true, reason: 'on' }, kim, 0)).toThrowError(
      expect.objectContaining({ code: 'UND_SETTINGS_CONFLICT' }),
    );
    expect(store.settings).toMatchObject({ version: 1, enabled: false });
  });

  it.each(['audit.ndjson', 'settings.json'])(
    'has changed nothing, in force or after a restart, when %s cannot be written',
    (file) => {
      const { config, store, open } = start();
      const path = join(config.dataDir, file === 'settings.json' ? 'settings.json.new' : file);
      mkdirSync(path); // a folder in its place: root is stopped by it, too
      expect(() => store.change({ enabled: false, reason: 'off' }, kim)).toThrowError(
        expect.objectContaining({ code: 'UND_SETTINGS_WRITE', retryable: true }),
      );
      expect(store.settings.version).toBe(0);
      expect(open().settings.version).toBe(0);
      rmSync(path, { recursive: true });
      expect(store.change({ enabled: false, reason: 'off' }, kim).version).toBe(1);
    },
  );

  it('takes back a change that could be kept and not published', () => {
    const { config, store, open, audit } = start();
    const path = join(config.runDir, 'settings.json.new');
    mkdirSync(path);
    expect(() => store.change({ enabled: false, reason: 'off' }, kim)).toThrow();
    rmSync(path, { recursive: true });
    expect(open().settings).toMatchObject({ version: 0, enabled: true });
    expect(audit().map(({ how }) => how)).toEqual(['api', 'failed']);
  });

  it('starts with nothing rather than with a damaged file that may have said "off"', () => {
    const { config, open } = start();
    writeFileSync(join(config.dataDir, 'settings.json'), '{"version":');
    expect(open).toThrowError(expect.objectContaining({ code: 'UND_SETTINGS_WRITE' }));
  });
});
