/**
 * The second lender's loans (models/credit-data) through whole processes: callers, a real `understudy serve`, the
 * incumbent's model behind its own API, the candidate's in the model process, outcomes imported on the command line,
 * verdict and report. What is said is held against scikit-learn's figures in models.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Agent } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { readDemoModel, readDemoRows } from '../../src/demo/dataset.ts';
import { serveScoring } from '../../src/model/scoring-server.ts';
import { loadModel } from '../../src/model/session.ts';
import { until } from '../support/until.ts';
import { Instance } from './instance.ts';

const FOLDER = 'models/credit-data';
const ROWS = readDemoRows(FOLDER);
const CALLERS = 8;

const ANALYSIS = {
  profile: 'demo',
  ...{ cutMs: 1_000, settleMs: 3_000, guardrails: 'replacement' },
  gates: { minPairs: 1_000, minDurationMs: 1_000 },
  labels: {
    ...{ positive: 'bad', negative: 'good', maturityMs: 1_000 },
    ...{ fewerFalsePositives: 0.1, calibrationPositives: 150 },
  },
};

/** The incumbent: an ordinary scoring API. @returns `host:port` */
async function serveIncumbent(): Promise<string> {
  const model = await loadModel(readDemoModel(FOLDER, 'incumbent'));
  const place = { host: '127.0.0.1', port: 0 };
  const server = await serveScoring({ place, scorePath: '/v1/score', model: () => model });
  onTestFinished(async () => {
    await server.close();
    await model.release();
  });
  return `127.0.0.1:${server.port}`;
}

/** Every loan once, on a few connections. @returns statuses of answers that were no 200 */
async function askForAll(port: number): Promise<number[]> {
  const agent = new Agent({ connections: CALLERS });
  const refused: number[] = [];
  const rows = ROWS.values();
  const call = async (): Promise<void> => {
    for (const { body } of rows) {
      const answer = await agent.request({
        ...{ origin: `http://127.0.0.1:${port}`, path: '/v1/score', method: 'POST', body },
        headers: { 'content-type': 'application/json' },
      });
      await answer.body.dump();
      if (answer.statusCode !== 200) refused.push(answer.statusCode);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  await agent.close();
  return refused;
}

test('another lender’s models are judged by outcomes that come later, through whole processes', {
  timeout: 180_000,
}, async () => {
  const { algorithm: _, ...candidate } = readDemoModel(FOLDER, 'candidate');
  const instance = await Instance.start({
    incumbent: await serveIncumbent(),
    candidates: [
      {
        ...{ ...candidate, kind: 'onnx', name: 'next', model: resolve(candidate.model) },
        ...{ timeoutMs: 20_000, warmUpRequests: 0 },
      },
    ],
    sections: {
      analysis: ANALYSIS,
      routes: [
        {
          ...{ name: 'score', path: '/v1/score', join: '/loan_id' },
          prediction: { score: '/score', label: '/label', modelVersion: '/model_version' },
        },
      ],
      mirror: { maxQueueAgeMs: 60_000 },
    },
  });
  await until('the analysis runs', async () => {
    return ((await instance.admin()).analysis?.verdicts.length ?? 0) > 0;
  });
  expect(await askForAll(instance.port)).toEqual([]);
  await until(
    'all copies are answered',
    async () => (await instance.legsIn('paired')) === ROWS.length,
    60_000,
  );

  const file = join(instance.folder, 'outcomes.csv');
  const lines = ROWS.map(({ id, outcome }) => `${id},${outcome}`);
  writeFileSync(file, `key,label\n${lines.join('\n')}\n`);
  const imported = await instance.cli('labels', 'import', file);
  expect(imported.stdout, imported.stderr).toBe(
    '2,673 outcomes: 2,673 new, 0 corrected, 0 as before, 0 outdated\n',
  );

  interface Measure {
    readonly name: string;
    readonly incumbent: number;
    readonly candidate: number;
  }
  const measures = await until(
    'a report that knows all outcomes',
    async () => {
      const report = await instance.cli('report', '--format', 'json');
      const [{ quality, verdict }] = JSON.parse(report.stdout).reports;
      return verdict?.outcomes?.known === ROWS.length ? (quality.measures as Measure[]) : undefined;
    },
    60_000,
  );
  const { models } = JSON.parse(readFileSync(join(FOLDER, 'models.json'), 'utf8'));
  for (const side of ['incumbent', 'candidate'] as const) {
    const { auc, brier, precision, recall } = models[side].heldOut;
    const of = (name: string): number =>
      measures.find((each) => each.name === name)?.[side] ?? Number.NaN;
    expect([of('precision'), of('recall'), of('AUC'), of('Brier')]).toEqual([
      expect.closeTo(precision, 6),
      expect.closeTo(recall, 6),
      expect.closeTo(auc, 5),
      expect.closeTo(brier, 5),
    ]);
  }
  const verdict = await instance.cli('verdict', '--format', 'json');
  const [{ headline }] = JSON.parse(verdict.stdout).verdicts;
  // Two models of the same quality: nothing is shown, and nothing refuted, on so few loans.
  expect(headline.parts[0].sentence).toMatch(/neither shown nor refuted yet; it has/);
});
