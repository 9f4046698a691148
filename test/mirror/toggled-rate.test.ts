import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../../src/admin/audit-reader.ts';
import { SettingsStore } from '../../src/admin/settings-store.ts';
import type { RequestHead } from '../../src/framing/request-head.ts';
import { MirrorGate } from '../../src/gateway/mirror-gate.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { SettingsReader } from '../../src/telemetry/settings-reader.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  SECRET,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

const HEAD = { method: 'POST', target: '/v1/score', upgrade: false, watched: false } as RequestHead;
const KIM = { by: 'kim', remote: '' };

it('M-20: toggled 0 → 100 → 0 % every 100 ms, each pair carries the rate in force', async () => {
  const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"x"}'));
  const folder = tempFolder();
  const runDir = join(folder, 'run');
  const dataDir = join(folder, 'data');
  mkdirSync(runDir);
  mkdirSync(dataDir);
  const config = mirrorConfig([httpCandidate(url)], { runDir, dataDir });
  const store = new SettingsStore(config, runFolder(runDir));
  // As in life: gateway and mirror read settings.json by themselves, at different moments.
  const readers = [0, 1].map(() => new SettingsReader(runFolder(runDir), config));
  onTestFinished(() => {
    for (const reader of readers) reader.stop();
  });
  const [gatewaySettings, mirrorSettings] = readers;
  if (gatewaySettings === undefined || mirrorSettings === undefined) throw new Error('no readers');
  gatewaySettings.start();
  await sleep(125);
  mirrorSettings.start();
  const rig = await startMirror(config, { settings: mirrorSettings });
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  const { epoch } = gateway;
  const gate = new MirrorGate({
    config,
    settings: gatewaySettings,
    secret: SECRET,
    epoch,
    alarm: { note: () => {} },
  });
  let unselected = 0;
  const call = () => {
    const { state, rate, u, settingsVersion, number } = gate.open(HEAD, Date.now());
    if (state === '') gateway.offer({}, { rate, u, settingsVersion, number });
    else unselected += 1;
  };

  // Pairs need a moment at which both readers saw 100 %: on a busy machine these are rarer.
  const isEnough = (toggles: number) => toggles >= 40 && rig.recorder.pairs.length > 20;
  for (let toggle = 0; toggle < 400 && !isEnough(toggle); toggle++) {
    store.change({ rates: { cand: toggle % 2 === 0 ? 0 : 1 }, reason: 'toggled' }, KIM);
    for (let i = 0; i < 10; i++) {
      call();
      await sleep(10); // the pace is the case: changes come faster than anybody looks
    }
  }
  const { version: last } = store.change({ rates: { cand: 0 }, reason: 'the end' }, KIM);
  await until('all have it', () => readers.every(({ settings }) => settings.version === last));
  const before = unselected;
  for (let i = 0; i < 20; i++) call();
  expect(unselected).toBe(before + 20);

  await settled(rig, gateway);
  expectBalancedBooks(rig, gateway);
  const rates = new Map([[0, 1]]);
  for (const { version, to } of readAudit(dataDir, 0).entries)
    rates.set(version, to.rates.cand ?? -1);
  expect(rates.size).toBe(last + 1);
  const { pairs } = rig.recorder;
  expect(pairs.length).toBeGreaterThan(20);
  for (const { selection } of pairs) {
    // A pair can only come of a version that says 100 %, and has that probability.
    expect(rates.get(selection.settings_version)).toBe(1);
    expect(selection.probability).toBe(1);
  }
  // Drawn at the gateway under one version, met by the mirror under the next: counted, never sent.
  expect(legsIn(rig, 'paired') + legsIn(rig, 'not_selected')).toBe(gateway.nextSeq - 1);
}, 60_000);
