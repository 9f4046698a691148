/** What operators do with a running instance, through the command line. */
import { rmSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { Pair } from '../../src/pair/pair.ts';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { Instance } from '../e2e/instance.ts';
import { runLoad } from '../e2e/load.ts';
import { closeWithTest } from '../e2e/server.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';

async function start(): Promise<Instance> {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const candidates = [candidate.section()];
  return Instance.start({ incumbent: incumbent.address, candidates });
}

test('status, pairs, rate and mirror say and do what they promise', async () => {
  const instance = await start();
  await runLoad({ port: instance.port });
  await expectBooksToBalance(instance.run.path);

  const status = await instance.cli('status');
  expect(status).toMatchObject({ code: 0, stderr: '' });
  for (const text of [
    /^gw0 +pid \d+/m,
    /mirroring +on: cand 100 %/,
    /scores compared/,
    /✓ all \d sums add up/,
  ]) {
    expect(status.stdout).toMatch(text);
  }
  const json = JSON.parse((await instance.cli('status', '--json')).stdout);
  expect(json).toMatchObject({ missing: [], settings: null, waterfall: { ok: true } });

  const pairs = await instance.cli('pairs', '--limit', '3');
  expect(pairs.stdout.trim().split('\n')).toEqual(instance.journaled().slice(-3));

  const set = await instance.cli('rate', 'set', '25%', '--reason', 'ramp down');
  expect(set).toMatchObject({ code: 0, stderr: '' });
  expect(set.stdout).toMatch(/rate +cand +0\.25 +\(25 %\)\nsettings +version 1, .*: ramp down/);
  expect((await instance.cli('rate', 'get')).stdout).toBe(set.stdout);

  const off = await instance.cli('mirror', 'off', '--reason', 'incident');
  expect(off.stdout).toMatch(/^mirroring +off\n/);
  const inForce = async () => {
    const statuses = [await instance.gateway(), await instance.mirror()];
    return statuses.every(({ settingsVersion }) => settingsVersion === 2);
  };
  await until('the switch is in force', inForce, 1_000);
  expect((await instance.cli('status')).stdout).toMatch(/mirroring +off \(operator\)/);

  writeFileSync(instance.run.mirrorOff, '');
  const held = await instance.cli('mirror', 'on', '--reason', 'over');
  expect(held.stdout).toMatch(
    /^mirroring +off, whatever the switch says \(on\): remove .*mirror\.off /,
  );
  rmSync(instance.run.mirrorOff);
  await until(
    'mirroring is on',
    async () => (await instance.mirror()).settingsVersion === 3,
    1_000,
  );
  await until('the gateway knows', async () => (await instance.gateway()).settingsVersion === 3);
  await runLoad({ port: instance.port });
  await expectBooksToBalance(instance.run.path);
  const last = instance.pairs().at(-1)?.selection as Pair['selection'];
  expect(last).toMatchObject({ probability: 0.25, settings_version: 3 });
  expect(last.u).toBeLessThan(0.25);
});

test('an admin API elsewhere is reached with its URL and token file', async () => {
  const instance = await start();
  const { url, tokenFile } = await instance.admin();
  const remote = ['--admin', url, '--token-file', tokenFile];
  expect((await instance.cli('status', ...remote)).code).toBe(0);
  const refused = await instance.cli(
    ...['rate', 'set', '0.5', '--reason', 'x', '--candidate', 'nobody', ...remote],
  );
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^understudy: UND_ADMIN_REFUSED: 4\d\d: .*no candidate "nobody"/);
});

test('I9: a change for a time ends by itself in gateway and mirror, with admin gone, and is audited', async () => {
  const instance = await start();
  await instance.cli('rate', 'cap', '500/s', '--reason', 'small host');
  const set = await instance.cli('rate', 'set', '10%', '--for', '3s', '--reason', 'soak');
  expect(set.stdout).toMatch(/cap +cand +500 copies a second\n/);
  expect(set.stdout).toMatch(/settings +version 2, .*: soak; until 20/);
  const versions = async () => [
    (await instance.gateway()).settingsVersion,
    (await instance.mirror()).settingsVersion,
  ];
  await until('in force', async () => (await versions()).every((version) => version === 2));
  expect((await instance.mirror()).candidates[0]).toMatchObject({
    rate: 0.1,
    guard: { requestsPerSecond: 500 },
  });
  const { pid } = await instance.admin();
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => {
    process.kill(pid, 'SIGCONT');
  });
  await until('ended', async () => (await versions()).every((version) => version === 3));
  expect((await instance.mirror()).candidates[0]?.rate).toBe(1);
  process.kill(pid, 'SIGCONT');
  const { dataDir } = await instance.admin();
  const audit = async () =>
    (await instance.cli('audit', '--since', '1h', '--data', dataDir)).stdout;
  await until('audited', async () => (await audit()).split('\n').length === 4);
  const [cap, soak, end] = (await audit()).split('\n');
  expect(cap).toMatch(/ {2}api {2}version 1: cap of cand 0 → 500 {2}by .*: small host$/);
  expect(soak).toMatch(/ {2}api {2}version 2: rate of cand 1 → 0\.1, until 20.*: soak$/);
  expect(end).toMatch(/ {2}expired {2}version 3: rate of cand 0\.1 → 1 {2}by .*soak$/);
  const undone = await instance.cli('rate', 'undo', '--reason', 'again');
  expect(undone.stdout).toMatch(/rate +cand +0\.1 /);
});
