import { chmodSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import type { Config } from '../../src/config/types.ts';
import { type RunFolder, runFolder } from '../../src/telemetry/run-folder.ts';
import { parseSettings } from '../../src/telemetry/settings-file.ts';
import { SettingsReader } from '../../src/telemetry/settings-reader.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

function config(enabled = true): Pick<Config, 'mirror' | 'candidates'> {
  return {
    mirror: { ...DEFAULTS.mirror, enabled, selectionSecretFile: '' },
    candidates: [
      {
        ...DEFAULTS.candidate,
        kind: 'http',
        name: 'v7',
        routes: ['score'],
        rate: 0.25,
        prediction: null,
        url: 'http://127.0.0.1:1',
        paths: {},
        host: '',
        allowAddresses: [],
        headers: [],
        tls: null,
      },
    ],
  };
}

function settings(version: number, enabled: boolean, rate: number): string {
  const changed = { at: '2026-11-23T12:00:00Z', by: 'kim', reason: 'test' };
  return JSON.stringify({ version, enabled, rates: { v7: rate }, changed });
}

function start(enabled = true): { folder: RunFolder; reader: SettingsReader; warnings: string[] } {
  const folder = runFolder(tempFolder());
  const warnings: string[] = [];
  const reader = new SettingsReader(folder, config(enabled), {
    warn: (message) => warnings.push(message),
  });
  reader.start();
  onTestFinished(() => reader.stop());
  return { folder, reader, warnings };
}

function replace(folder: RunFolder, text: string): void {
  writeFileSync(`${folder.settings}.new`, text);
  renameSync(`${folder.settings}.new`, folder.settings);
}

describe('SettingsReader', () => {
  it('has version 0 and the configured values while nobody has changed anything', () => {
    const { reader } = start();
    expect(reader.settings).toMatchObject({ version: 0, enabled: true, changed: null });
    expect(reader.rateOf('v7')).toBe(0.25);
    expect(reader.rateOf('toString')).toBe(0);
    expect(reader.paused).toBe('');
    expect(start(false).reader.paused).toBe('operator');
  });

  it('knows a file that is there at the start at once', () => {
    const folder = runFolder(tempFolder());
    writeFileSync(folder.settings, settings(4, false, 0.5));
    const reader = new SettingsReader(folder, config());
    reader.start();
    reader.stop();
    expect([reader.settings.version, reader.paused, reader.rateOf('v7')]).toEqual([
      4,
      'operator',
      0.5,
    ]);
  });

  it('sees each replacement by rename within a second, and tells listeners', async () => {
    const { folder, reader } = start();
    const seen: number[] = [];
    reader.onChange(() => seen.push(reader.settings.version));
    for (const version of [1, 2, 3]) {
      replace(folder, settings(version, true, version / 10));
      await until(`version ${version}`, () => reader.settings.version === version, 1_000);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(reader.rateOf('v7')).toBe(0.3);
  });

  it.each([
    ['half a file', '{"version":'],
    ['an array', '[]'],
    ['a rate above 1', '{"version":9,"enabled":true,"rates":{"v7":1.01},"changed":null}'],
    ['a rate in quotes', '{"version":9,"enabled":true,"rates":{"v7":"1"},"changed":null}'],
    ['an infinite rate', '{"version":9,"enabled":true,"rates":{"v7":1e400},"changed":null}'],
    ['a negative version', '{"version":-1,"enabled":true,"rates":{},"changed":null}'],
    [
      'a version that the wire cannot carry',
      `{"version":${2 ** 32},"enabled":true,"rates":{},"changed":null}`,
    ],
    ['a number as switch', '{"version":9,"enabled":1,"rates":{},"changed":null}'],
    ['a file over its limit', ' '.repeat(LIMITS.settingsBytes) + settings(9, true, 1)],
  ])('keeps the last good settings on %s, says so once, and heals', async (_, text) => {
    const { folder, reader, warnings } = start();
    replace(folder, settings(1, false, 0.5));
    await until('version 1', () => reader.settings.version === 1, 1_000);
    replace(folder, text);
    await until('malformed', () => reader.malformed === 1, 1_000);
    expect(reader.settings.version).toBe(1);
    expect(reader.paused).toBe('operator');
    replace(folder, settings(2, true, 1));
    await until('version 2', () => reader.settings.version === 2, 1_000);
    expect(warnings).toHaveLength(1);
  });

  // Root reads everything, so root only can stop being it for a while.
  it.runIf(process.geteuid?.() === 0)(
    'reads a file that could not be read as soon as it can, and says so once',
    () => {
      const folder = runFolder(tempFolder());
      const warnings: string[] = [];
      const reader = new SettingsReader(folder, config(), { warn: (text) => warnings.push(text) });
      writeFileSync(folder.settings, settings(1, false, 0.5), { mode: 0o600 });
      chmodSync(folder.path, 0o755);
      const look = () => {
        reader.start();
        reader.stop();
      };
      process.seteuid?.(65_534);
      try {
        look();
        look();
      } finally {
        process.seteuid?.(0);
      }
      expect([reader.settings.version, reader.malformed, warnings.length]).toEqual([0, 1, 1]);
      look();
      expect(reader.paused).toBe('operator');
    },
  );

  it('keeps an "off" although the file is removed', async () => {
    const { folder, reader } = start();
    replace(folder, settings(1, false, 0));
    await until('off', () => reader.paused === 'operator', 1_000);
    rmSync(folder.settings);
    writeFileSync(folder.mirrorOff, '');
    await until('the next look', () => reader.paused === 'mirror_off', 1_000);
    rmSync(folder.mirrorOff);
    await until('the look after that', () => reader.paused !== 'mirror_off', 1_000);
    expect(reader.paused).toBe('operator');
  });

  it('obeys mirror.off, whatever it is, before the switch', async () => {
    const { folder, reader } = start();
    symlinkSync('.', folder.mirrorOff);
    await until('mirror.off', () => reader.paused === 'mirror_off', 1_000);
    rmSync(folder.mirrorOff);
    await until('on again', () => reader.paused === '', 1_000);
  });

  it('notices a swap of a symbolic link, as a mounted ConfigMap does it', async () => {
    const { folder, reader } = start();
    for (const version of [1, 2]) {
      const target = join(folder.path, `..data${version}`);
      writeFileSync(target, settings(version, true, 1));
      symlinkSync(target, `${folder.settings}.link`);
      renameSync(`${folder.settings}.link`, folder.settings);
      await until(`version ${version}`, () => reader.settings.version === version, 1_000);
    }
  });
});

describe('parseSettings', () => {
  it('gives a candidate named __proto__ no power over the others', () => {
    const parsed = parseSettings(
      '{"version":1,"enabled":true,"rates":{"__proto__":1},"changed":null}',
    );
    expect(parsed?.rates.v7).toBeUndefined();
    expect(Object.keys(parsed?.rates ?? {})).toEqual(['__proto__']);
  });
});
