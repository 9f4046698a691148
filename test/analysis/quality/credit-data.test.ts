/**
 * A second lender's loans, with models of their own (models/credit-data): the same path from pairs in the journal over
 * an imported file of outcomes to verdict and report, held against the figures of scikit-learn in models.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { readReports } from '../../../src/analysis/report/read-reports.ts';
import { toHtml } from '../../../src/analysis/report/to-html.ts';
import { readDemoModel, readDemoRows } from '../../../src/demo/dataset.ts';
import { importLabels } from '../../../src/main/commands/labels.ts';
import { loadModel } from '../../../src/model/session.ts';
import type { Prediction } from '../../../src/pair/pair.ts';
import { pairOf, START_MS } from '../pairs.ts';
import { outcomeRig } from './outcomes.ts';

const FOLDER = 'models/credit-data';
const ROWS = readDemoRows(FOLDER);

interface Figures {
  readonly auc: number;
  readonly brier: number;
  readonly precision: number;
  readonly recall: number;
  readonly truePositives: number;
  readonly falsePositives: number;
}

async function predictionsOf(name: 'incumbent' | 'candidate'): Promise<Prediction[]> {
  const config = readDemoModel(FOLDER, name);
  const model = await loadModel(config);
  const predictions: Prediction[] = [];
  for (const { body } of ROWS) {
    const { score, label } = await model.score(JSON.parse(body));
    if (score === null || label === null) throw new Error(`no score for ${body}`);
    predictions.push({ score, label });
  }
  await model.release();
  return predictions;
}

it('judges another lender’s models by outcomes that come later', { timeout: 120_000 }, async () => {
  const [ours, theirs] = [await predictionsOf('incumbent'), await predictionsOf('candidate')];
  const rig = outcomeRig(', fewerFalsePositives: 0.1, calibrationPositives: 150');
  rig.start();
  const pairs = ROWS.map(({ id }, seq) =>
    pairOf({
      ...{ seq, incumbent: ours[seq] ?? null, candidate: theirs[seq] ?? null },
      change: { join: id },
    }),
  );
  rig.write(pairs);
  const before = rig.read(START_MS + 1_000_000);
  expect(before.outcomes).toMatchObject({ known: 0, mature: ROWS.length });
  rig.stop();

  const file = join(rig.folder, 'outcomes.csv');
  const lines = ROWS.map(({ id, outcome }) => `${id},${outcome}`);
  writeFileSync(file, `key,label\n${lines.join('\n')}\n`);
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await importLabels(file, { data: rig.config.dataDir, json: false });
  await importLabels(file, { data: rig.config.dataDir, json: false });
  const told = said.mock.calls.map(([text]) => String(text));
  said.mockRestore();
  expect(told).toEqual([
    '2,673 outcomes: 2,673 new, 0 corrected, 0 as before, 0 outdated\n',
    '2,673 outcomes: 0 new, 0 corrected, 2,673 as before, 0 outdated\n',
  ]);

  rig.start(START_MS + 1_000_000);
  const verdict = rig.read(START_MS + 1_000_001);
  expect(verdict.outcomes).toMatchObject({ known: 2_673, leastCoverage: 1 });
  // Two models of the same quality: nothing is shown, and nothing refuted, on so few loans.
  expect(verdict.headline).toMatchObject({ answer: 'open' });
  expect(verdict.headline?.parts[0]?.sentence).toMatch(/neither shown nor refuted yet; it has/);

  const [report] = readReports(rig.config.dataDir, { legs: [], settings: [], breakers: new Map() });
  const { models, bootstrap } = JSON.parse(readFileSync(join(FOLDER, 'models.json'), 'utf8'));
  const figures = { incumbent: models.incumbent.heldOut, candidate: models.candidate.heldOut };
  for (const side of ['incumbent', 'candidate'] as const) {
    const of = (name: string): number =>
      report?.quality?.measures.find((each) => each.name === name)?.[side] ?? Number.NaN;
    const { auc, brier, precision, recall }: Figures = figures[side];
    // models.json has six digits; scores are float32.
    expect([of('precision'), of('recall')]).toEqual([
      expect.closeTo(precision, 6),
      expect.closeTo(recall, 6),
    ]);
    expect([of('AUC'), of('Brier')]).toEqual([expect.closeTo(auc, 5), expect.closeTo(brier, 5)]);
  }
  const { byDecision } = report?.quality ?? {};
  const [, candidateAlone = 0, incumbentAlone = 0, both = 0] = byDecision?.negatives ?? [];
  expect(incumbentAlone + both).toBe(figures.incumbent.falsePositives);
  expect(candidateAlone + both).toBe(figures.candidate.falsePositives);
  // DeLong's interval is that of 2,000 resamples, nearly.
  const interval = report?.quality?.measures.find(({ name }) => name === 'AUC')?.interval;
  expect(interval?.[0]).toBeCloseTo(bootstrap.auc.low95, 2);
  expect(interval?.[1]).toBeCloseTo(bootstrap.auc.high95, 2);

  const page = toHtml(report === undefined ? [] : [report]);
  expect(page).toContain('Is next 10 % better on false positives, under 50 ms?');
  expect(page).toContain('Quality against outcomes');
  expect(page).toContain('<title>Recall against false positives, at every threshold. 2,673 pairs');
  expect(page).toContain('<title>Pairs with an outcome, by age. 2,673 of 2,673 mature pairs');
});
