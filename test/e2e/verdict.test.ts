/** From callers' requests to the exit code of `understudy verdict`, through real processes, in the demo's minutes. */
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { BEHAVIOURS, TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { Load } from './load.ts';
import { closeWithTest } from './server.ts';

const ANALYSIS = {
  profile: 'demo',
  gates: { minPairs: 500, minDurationMs: 2_000 },
  cutMs: 1_000,
  windowMs: 10_000,
  settleMs: 3_000,
  // Wide ones, which few pairs decide: the tests of the statistics have narrow ones.
  margins: {
    ...{ errors: 0.1, labelFlips: 0.05, scoreDifference: 0.1, scoreBias: 0.1 },
    ...{ outsideTolerance: 0.05, overObjective: null },
  },
};

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [{ ...candidate.section(), timeoutMs: 10_000 }],
    sections: { analysis: ANALYSIS, mirror: { maxQueueAgeMs: 20_000 } },
  });
  await until('the analysis runs', async () => {
    return ((await instance.admin()).analysis?.verdicts.length ?? 0) > 0;
  });
  return { incumbent, candidate, instance };
}

test('K-07: the identical candidate passes, killed admin or not; one that fails then has its PASS withdrawn', async () => {
  const { candidate, instance } = await setScene();
  const load = await Load.start({ port: instance.port, ratePerSecond: 120 });
  await load.answers(500);
  const early = await instance.cli('verdict');
  expect(early.code, early.stdout).toBe(13);
  expect(early.stdout).toContain('Profile demo: minutes instead of a day. No basis for a cutover.');
  await instance.untilReplaced('admin', await instance.signal('admin', 'SIGKILL'));
  await load.answers(1_200, 60_000);
  const decided = await until(
    'a decision',
    async () => {
      const ended = await instance.cli('verdict', '--candidate', 'cand', '--format', 'json');
      return ended.code === 13 || ended.code === 1 ? undefined : ended;
    },
    60_000,
  );
  expect(decided.code, decided.stdout).toBe(0);
  const [verdict] = JSON.parse(decided.stdout).verdicts;
  expect(verdict).toMatchObject({ verdict: 'PASS', attempt: 1, attempts: 1, profile: 'demo' });
  const status = await instance.cli('status');
  expect(status.stdout).toMatch(
    /^verdict +cand PASS, attempt 1 of 1, [\d,]+ pairs, profile demo$/m,
  );

  candidate.behaviour = BEHAVIOURS.answers500;
  await load.answers(600, 60_000);
  await load.stop();
  await until('FAIL', async () => (await instance.cli('verdict')).code === 10, 60_000);
  const failed = await instance.cli('verdict', '--wait', '--format', 'junit');
  expect(failed.code).toBe(10);
  expect(failed.stdout).toContain('over its limit with 95 % confidence');

  // Another attempt, by hand: what was is closed, and the count of attempts shows.
  const started = await instance.cli(
    'experiment',
    'start',
    '--candidate',
    'cand',
    '--reason',
    'mended',
  );
  expect(started.stdout).toMatch(/attempt 2 .*: mended {2}open$/m);
  const list = await instance.cli('experiment', 'list');
  expect(list.stdout).toMatch(/attempt 1 .* closed .*: a new attempt: mended$/m);
  expect((await instance.cli('verdict')).stdout).toContain('attempt 2 of 2');
  const audit = await instance.cli('audit');
  expect(audit.stdout).toMatch(/ api {2}version 0: attempt start of cand {2}by .*: mended$/m);
});
