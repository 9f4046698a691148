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
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SettingsStore } from '../../src/admin/settings-store.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { parseSettings } from '../../src/telemetry/settings-file.ts';
import { SettingsReader } from '../../src/telemetry/settings-reader.ts';
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

  describe('with a change for a time', () => {
    const START = Date.UTC(2026, 10, 23, 12);
    const soak = { rates: { v7: 1 }, ttlMs: 60_000, reason: 'soak' };

    beforeEach(() => {
      vi.useFakeTimers({ now: START, toFake: ['Date'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('I9: ends it at its moment, under the next version, also while admin is away', () => {
      const { config, folder, open, store, audit } = start();
      store.change(soak, kim);
      const reader = new SettingsReader(folder, config);
      const look = () => {
        reader.start();
        reader.stop();
      };
      look();
      expect(reader.rateOf('v7')).toBe(1);
      vi.setSystemTime(START + 59_999);
      look();
      expect(reader.rateOf('v7')).toBe(1);
      vi.setSystemTime(START + 60_000);
      look();
      expect(reader.rateOf('v7')).toBe(0.25);
      expect(reader.settings).toMatchObject({ version: 2, changed: { by: 'kim' }, expiry: null });
      vi.setSystemTime(START); // a clock that is set back does not bring it back
      look();
      expect(reader.rateOf('v7')).toBe(0.25);
      vi.setSystemTime(START + 61_000);
      const again = open();
      expect(again.settings).toEqual(reader.settings);
      expect(audit().at(-1)).toMatchObject({
        how: 'expired',
        version: 2,
        by: 'kim',
        from: { rates: { v7: 1 } },
        to: { rates: { v7: 0.25 } },
      });
      look();
      expect(reader.settings).toMatchObject({ version: 2, rates: { v7: 0.25 } });
    });

    it('gives no version twice: a change before its end leaves out the one its end was promised', () => {
      const { store } = start();
      store.change(soak, kim);
      expect(store.change({ enabled: false, reason: 'off' }, kim).version).toBe(3);
      vi.setSystemTime(START + 120_000);
      expect(store.settings).toMatchObject({ version: 3, enabled: false, rates: { v7: 1 } });
    });

    it('T-04: refuses a change that was decided before its end', () => {
      const { store } = start();
      const { version } = store.change(soak, kim);
      vi.setSystemTime(START + 60_000);
      expect(() => store.change({ enabled: false, reason: 'off' }, kim, version)).toThrowError(
        expect.objectContaining({ code: 'UND_SETTINGS_CONFLICT' }),
      );
      expect(store.change({ enabled: false, reason: 'off' }, kim, version + 1).version).toBe(3);
    });

    it('goes back to what is for good, not to another change for a time', () => {
      const { store } = start();
      store.change(soak, kim);
      store.change({ ...soak, rates: { v7: 0.75 }, ttlMs: 120_000 }, kim);
      expect(store.change({ undo: true, reason: 'back' }, kim).rates.v7).toBe(0.25);
      store.change(soak, kim);
      store.change({ ...soak, rates: { v7: 0.75 }, ttlMs: 120_000 }, kim);
      vi.setSystemTime(START + 120_000);
      expect(store.settings.rates.v7).toBe(0.25);
    });
  });

  it('undoes a change, and an undo', () => {
    const { store } = start();
    store.change({ rates: { v7: 0.5 }, reason: 'up' }, kim);
    store.change({ enabled: false, rates: { v7: 0 }, reason: 'sick' }, kim);
    const undone = store.change({ undo: true, reason: 'mistake' }, kim);
    expect(undone).toMatchObject({ version: 3, enabled: true, rates: { v7: 0.5 } });
    const again = store.change({ undo: true, reason: 'no mistake' }, kim);
    expect(again).toMatchObject({ version: 4, enabled: false, rates: { v7: 0 } });
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
