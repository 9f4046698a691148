/** SQL over exported Parquet, with pairs that Understudy made: no Kafka. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { Instance } from '../e2e/instance.ts';
import { runLoad } from '../e2e/load.ts';
import { closeWithTest } from '../e2e/server.ts';
import { pythonIn } from '../services/python.ts';
import { runScript } from '../services/run-script.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const COUNT = 60;
const FOLDER = 'examples/consumers/sql';

test('DuckDB has the flips and differences that the pairs have', { timeout: 240_000 }, async ({
  skip,
}) => {
  const environment = await pythonIn(join(tempFolder(), 'venv'), `${FOLDER}/requirements.txt`);
  if ('skipped' in environment) return skip(environment.skipped);
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
  });
  const { sent } = await runLoad({ port: instance.port, count: COUNT });
  await until('recorded', () => instance.pairs().length === sent.size);
  const file = join(instance.folder, 'pairs.parquet');
  const exported = await instance.cli('journal', 'export', '--format', 'parquet', '-o', file);
  expect(exported).toMatchObject({ code: 0, stderr: `${sent.size} pairs exported\n` });
  const { stdout } = await runScript(environment.python, [`${FOLDER}/agreement.py`, file]);
  const [row, ...others] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(others).toEqual([]);
  const pairs = instance.pairs();
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const paired = pairs.filter(({ state }) => state === 'paired');
  expect(row).toMatchObject({ candidate: 'cand', pairs: pairs.length, paired: paired.length });
  expect(row.flip_rate).toBeCloseTo(
    mean(pairs.map(({ divergence }) => Number(divergence.label_flips > 0))),
    12,
  );
  const differences = pairs.flatMap((pair) => {
    const [ours, theirs] = [
      pair.incumbent.predictions[0]?.score,
      pair.candidate.predictions[0]?.score,
    ];
    return ours === undefined || theirs === undefined ? [] : [theirs - ours];
  });
  expect(row.mean_difference).toBeCloseTo(mean(differences), 12);
});
