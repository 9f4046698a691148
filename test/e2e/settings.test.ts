/** Operators turn the rate and the switch under load: in force within a second, in every process. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readAudit } from '../../src/admin/audit-reader.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { closeWithTest } from './server.ts';

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: { gateway: { processes: 2 } },
  });
  const load = await Load.start({ port: instance.port, ratePerSecond: 250, connections: 16 });
  await load.answers(50);
  return { incumbent, candidate, instance, load };
}

/** Settings versions as gateways, mirror and admin have them. */
async function versionsOf(instance: Instance): Promise<number[]> {
  const statuses = [
    instance.gateway('gw0'),
    instance.gateway('gw1'),
    instance.mirror(),
    instance.admin(),
  ];
  return (await Promise.all(statuses)).map(({ settingsVersion }) => settingsVersion);
}

/** How many exchanges both gateways have drawn, and how many of them not. */
async function selectionsOf(
  instance: Instance,
): Promise<Record<'offered' | 'not_selected', number>> {
  const sums = { offered: 0, not_selected: 0 };
  for (const name of ['gw0', 'gw1']) {
    for (const { state, count } of (await instance.gateway(name)).cells) {
      if (state === 'offered' || state === 'not_selected') sums[state] += count;
    }
  }
  return sums;
}

/** Runs a command that changes settings, and holds that all processes have them within a second. */
async function change(instance: Instance, ...args: string[]): Promise<number> {
  const [before = 0] = await versionsOf(instance);
  const { code, stderr } = await instance.cli(...args, '--reason', 'a test of it');
  const changedMs = performance.now();
  expect(stderr).toBe('');
  expect(code).toBe(0);
  await until('all have it', async () => {
    const versions = await versionsOf(instance);
    return versions.every((version) => version === before + 1);
  });
  // Asking four processes takes its time on a busy machine; the change itself may take a second.
  expect(performance.now() - changedMs).toBeLessThan(1_500);
  return before + 1;
}

function expectSelectionToHold(pairs: readonly Pair[]): void {
  for (const { id, selection } of pairs) {
    expect(selection.u, id).toBeGreaterThanOrEqual(0);
    expect(selection.u, id).toBeLessThan(selection.probability);
  }
}

test('a rate is in force within 1 s in all processes, is on each pair, and survives a restart', async () => {
  const { instance, load, incumbent, candidate } = await setScene();
  const version = await change(instance, 'rate', 'set', '30%');
  const before = await selectionsOf(instance);
  await load.answers(300);
  const later = await selectionsOf(instance);
  const next = await change(instance, 'rate', 'set', '0.9', '--candidate', 'cand');
  await load.answers(100);
  await change(instance, 'rate', 'set', '0');
  await load.answers(50);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const pairs = expectPairsOf(instance, waterfall);
  expect(candidate.copies.length).toBe(pairs.length);
  expectSelectionToHold(pairs);
  const bySettings = Map.groupBy(pairs, ({ selection }) => selection.settings_version);
  expect([...bySettings.keys()].sort()).toEqual([0, version, next]);
  for (const { selection } of bySettings.get(version) ?? []) {
    // An exchange that was selected under one setting can meet the mirror under the next, higher one.
    expect(selection.probability).toBe(0.3);
  }
  const drawn = later.offered - before.offered + later.not_selected - before.not_selected;
  expect(drawn).toBeGreaterThan(250);
  // Of 250 at 0.3, 0.15 and 0.45 are five standard deviations away.
  const share = (later.offered - before.offered) / drawn;
  expect(share).toBeGreaterThan(0.15);
  expect(share).toBeLessThan(0.45);
  const { offered = 0, not_selected: unselected = 0, ...others } = exchangesOf(waterfall);
  expect(others).toEqual({});
  expect(offered + unselected).toBe(load.sent.size);

  await change(instance, 'rate', 'set', '0.5');
  expect(await instance.stop()).toBe(0);
  await instance.start();
  const { stdout } = await instance.cli('rate', 'get');
  expect(stdout).toContain('cand  0.5  (50 %)');
  const again = await Load.start({ port: instance.port, ratePerSecond: 250 });
  await again.answers(100);
  await again.stop();
  expectServed(again, incumbent);
  const after = expectPairsOf(instance, await expectBooksToBalance(instance.run.path));
  const fresh = after.slice(pairs.length);
  expectSelectionToHold(fresh);
  expect(new Set(fresh.map(({ selection }) => selection.probability))).toEqual(new Set([0.5]));
  expect(new Set(fresh.map(({ selection }) => selection.settings_version))).toEqual(
    new Set([next + 2]),
  );
});

test('mirror off stops copies within 1 s, mirror on brings them back, the reason is kept', async () => {
  const { instance, load, incumbent, candidate } = await setScene();
  await change(instance, 'mirror', 'off');
  expect((await instance.cli('status')).stdout).toContain('off (operator)');
  const copies = candidate.copies.length;
  await load.answers(100);
  expect(candidate.copies.length).toBe(copies);
  await change(instance, 'mirror', 'on');
  await until('copies', () => candidate.copies.length > copies + 20);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const { offered = 0, 'paused(operator)': paused = 0, ...others } = exchangesOf(waterfall);
  expect(others).toEqual({});
  expect(paused).toBeGreaterThanOrEqual(90);
  expect(offered + paused).toBe(load.sent.size);
  expectPairsOf(instance, waterfall);
  expect(instance.logs()).toContain('a test of it');
});

test('the file mirror.off stops copies while admin is dead, and admin comes back by itself', async () => {
  const { instance, load, incumbent, candidate } = await setScene();
  const admin = await instance.signal('admin', 'SIGKILL');
  writeFileSync(instance.run.mirrorOff, '');
  await instance.untilPaused('mirror_off');
  // A copy that was under way may still arrive.
  await until('nothing under way', async () => (await instance.mirror()).legsInFlight === 0);
  const copies = candidate.copies.length;
  await load.answers(100);
  expect(candidate.copies.length).toBe(copies);
  rmSync(instance.run.mirrorOff);
  await until('copies', () => candidate.copies.length > copies + 20);
  await instance.untilReplaced('admin', admin);
  await until('the API', async () => (await instance.admin()).url !== '');
  await change(instance, 'rate', 'set', '1');
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const { offered = 0, 'paused(mirror_off)': paused = 0, ...others } = exchangesOf(waterfall);
  expect(others).toEqual({});
  expect(offered + paused).toBe(load.sent.size);
  expect(legsOf(waterfall).paired).toBe(expectPairsOf(instance, waterfall).length);
});

test('while admin is stopped, traffic and mirroring go on with the last settings', async () => {
  const { instance, load, incumbent } = await setScene();
  const version = await change(instance, 'rate', 'set', '0.5');
  const admin = await instance.signal('admin', 'SIGSTOP');
  const { code, stderr } = await instance.cli('rate', 'set', '1', '--reason', 'nobody hears it');
  expect(code).toBe(1);
  expect(stderr).toContain('UND_ADMIN_UNREACHABLE');
  await load.answers(100);
  await load.stop();
  expectServed(load, incumbent);
  const pairs = expectPairsOf(instance, await expectBooksToBalance(instance.run.path));
  expect(pairs.at(-1)?.selection).toMatchObject({ probability: 0.5, settings_version: version });
  process.kill(admin, 'SIGCONT');
  await change(instance, 'rate', 'set', '0.25');
});

test('M-20: toggled 0 → 100 → 0 % every 100 ms under load: no error, each pair carries the rate in force', async () => {
  const { instance, load, incumbent, candidate } = await setScene();
  const { url, tokenFile, dataDir } = await instance.admin();
  const token = readFileSync(tokenFile, 'utf8').trim();
  const turn = (rate: number) =>
    fetch(`${url}/v1/settings`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'if-match': '*',
      },
      body: JSON.stringify({ rates: { cand: rate }, reason: 'toggled' }),
    });
  const statuses: number[] = [];
  for (let i = 0; i < 60; i++) {
    const next = sleep(100); // the pace is the case: faster than the processes look
    statuses.push((await turn(i % 2 === 0 ? 0 : 1)).status);
    await next;
  }
  expect((await turn(0)).status).toBe(200);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const last = statuses.length + 1;
  await until('all have it', async () => (await versionsOf(instance)).every((v) => v === last));
  await until('nothing under way', async () => (await instance.mirror()).legsInFlight === 0);
  const copies = candidate.copies.length;
  await load.answers(50);
  expect(candidate.copies.length).toBe(copies);
  await load.stop();
  expectServed(load, incumbent);
  const pairs = expectPairsOf(instance, await expectBooksToBalance(instance.run.path));
  const rates = new Map<number, number>([[0, 1]]);
  const { entries } = readAudit(dataDir, 0);
  for (const { version, to } of entries) rates.set(version, to.rates.cand ?? Number.NaN);
  expect(rates.size).toBe(last + 1);
  for (const { id, selection } of pairs) {
    // A pair can only come of a version that says 100 %, and has that probability.
    expect(rates.get(selection.settings_version), id).toBe(1);
    expect(selection.probability, id).toBe(1);
  }
  expect(new Set(pairs.map(({ selection }) => selection.settings_version)).size).toBeGreaterThan(1);
});
