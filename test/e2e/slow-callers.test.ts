/** Debian's slowhttptest with 500 connections in each of its four modes: others are served throughout. */
import { expect, test, vi } from 'vitest';
import { requireProgram } from '../services/program.ts';
import { runScript } from '../services/run-script.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { NewCallers } from './new-callers.ts';
import { closeWithTest } from './server.ts';

vi.setConfig({ testTimeout: 120_000 });

const SECONDS = 8;
const slowhttptest = requireProgram('slowhttptest', 'slowhttptest');

if (typeof slowhttptest !== 'string') test.skip(slowhttptest.skipped, () => undefined);
else {
  test.each<[string, string[], string | null]>([
    ['slow heads (Slowloris)', ['-H', '-i', '1'], 'head'],
    ['slow bodies (R-U-Dead-Yet)', ['-B', '-i', '1', '-s', '4096', '-x', '8'], 'body'],
    ['ranges (Apache killer)', ['-R', '-a', '5', '-b', '500'], null],
    ['slow reads', ['-X', '-n', '1', '-w', '10', '-y', '20', '-z', '5', '-k', '3'], null],
  ])('serves others during 500 connections of %s', async (_, mode, limit) => {
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [candidate.section()],
      role: 'gateway',
      sections: {
        gateway: { headTimeoutMs: 3_000, bodyTimeoutMs: 3_000, slowReaderTimeoutMs: 3_000 },
      },
    });
    const probes = new NewCallers(instance.port, 2);
    await probes.answers(10);
    let most = 0;
    const watch = setInterval(() => {
      void instance
        .gateway()
        .then(({ connections }) => {
          most = Math.max(most, connections.open);
        })
        .catch(() => undefined);
    }, 200);
    const url = `http://127.0.0.1:${instance.port}/v1/score`;
    const size = ['-c', '500', '-r', '250', '-l', String(SECONDS), '-p', '3', '-u', url];
    await runScript(slowhttptest, [...mode, ...size], { timeoutMs: 60_000 });
    clearInterval(watch);
    await probes.answers(10);
    await probes.stop();
    expect(probes.faults).toEqual([]);
    expect(most).toBeGreaterThan(200);
    const { limited } = (await instance.gateway()).connections;
    if (limit !== null) expect(limited[limit]).toBeGreaterThan(100);
    console.info(
      `${mode[0]}: at most ${most} connections, ${probes.answered} probes answered, ` +
        `slowest ${Math.round(probes.longestMs)} ms, limits ${JSON.stringify(limited)}`,
    );
    await until('all are gone', async () => (await instance.gateway()).connections.open === 0);
    await expectBooksToBalance(instance.run.path, { withoutMirror: true });
  });
}
