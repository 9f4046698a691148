import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readDemoModel, readDemoRows } from '../../src/demo/dataset.ts';
import { loadModel, type ModelConfig } from '../../src/model/session.ts';

const FOLDER = join(import.meta.dirname, '../../models/lending-club');
const ROWS = readDemoRows(FOLDER);

interface Expected {
  readonly tolerance: number;
  readonly rows: readonly { id: string; incumbent: number; candidate: number }[];
}

function candidateOfDemoYaml(): ModelConfig {
  const { candidates } = loadConfig('config/demo.yaml', {});
  const candidate = candidates[0];
  if (candidate?.kind !== 'onnx') throw new Error('config/demo.yaml has no onnx candidate');
  return candidate;
}

describe.each([
  ['incumbent', readDemoModel(FOLDER, 'incumbent')],
  ['candidate', candidateOfDemoYaml()],
] as const)('the trained %s', (name, config) => {
  test('gives the scores that scikit-learn gave, to 1e-6', async () => {
    const expected: Expected = JSON.parse(
      readFileSync(join(FOLDER, 'expected-scores.json'), 'utf8'),
    );
    expect(expected.tolerance).toBeLessThanOrEqual(1e-6);
    expect(expected.rows.length).toBeGreaterThanOrEqual(200);
    const bodies = new Map(ROWS.map(({ id, body }) => [id, body]));
    const model = await loadModel(config);
    onTestFinished(() => model.release());
    for (const row of expected.rows) {
      const { score } = await model.score(JSON.parse(bodies.get(row.id) ?? ''));
      expect(Math.abs((score ?? Number.NaN) - row[name])).toBeLessThanOrEqual(1e-6);
    }
  });

  test('flags as many held-out loans as its description says', async () => {
    const description = JSON.parse(readFileSync(join(FOLDER, 'models.json'), 'utf8'));
    const { truePositives, falsePositives } = description.models[name].heldOut;
    const model = await loadModel(config);
    onTestFinished(() => model.release());
    const found = { bad: 0, good: 0 };
    for (const { body, outcome } of ROWS) {
      const { label } = await model.score(JSON.parse(body));
      if (label === 'bad') found[outcome === 'bad' ? 'bad' : 'good'] += 1;
    }
    expect(found).toEqual({ bad: truePositives, good: falsePositives });
  });
});

test('config/demo.yaml says of the candidate what models.json says', () => {
  const { algorithm: _, ...described } = readDemoModel(FOLDER, 'candidate');
  expect(candidateOfDemoYaml()).toMatchObject(described);
});
