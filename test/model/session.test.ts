import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadModel, type Model, type ModelConfig } from '../../src/model/session.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { fixture, tinyConfig, tinyScore } from './tiny.ts';

async function load(config: ModelConfig): Promise<Model> {
  const model = await loadModel(config);
  onTestFinished(() => model.release());
  return model;
}

async function faultOf(config: ModelConfig): Promise<string> {
  return loadModel(config).then(
    () => 'loaded',
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );
}

describe('session', () => {
  test.each([
    [-500, 'A', 'good'],
    [0, 'B', 'bad'],
    [-1, 'B', 'good'],
    [250.5, 'C', 'bad'],
    [3, 'never seen', 'bad'],
  ])('amount %d and grade %s are scored as computed by hand: %s', async (amount, grade, label) => {
    const model = await load(tinyConfig());
    const answer = await model.score({ loan: { amount }, grade });
    expect(answer.score).toBeCloseTo(tinyScore(amount, grade), 6);
    expect(answer).toMatchObject({ label, model_version: 'tiny-1' });
  });

  test('the score column is the configured one', async () => {
    const model = await load(tinyConfig({ scoreColumn: 0 }));
    const answer = await model.score({ loan: { amount: 700 }, grade: 'C' });
    expect(answer.score).toBeCloseTo(1 - tinyScore(700, 'C'), 6);
  });

  test('a score that is not a number is answered as null, without a label', async () => {
    const model = await load(tinyConfig({ model: fixture('tiny-nan.onnx') }));
    expect(await model.score({ loan: { amount: -4 }, grade: 'A' })).toEqual({
      score: null,
      label: null,
      model_version: 'tiny-1',
    });
  });

  test('a request without a feature is refused with a code and the name of the feature', async () => {
    const model = await load(tinyConfig());
    await expect(model.score({ grade: 'A' })).rejects.toMatchObject({
      code: 'UND_SCORE_REQUEST',
      message: expect.stringContaining('amount'),
    });
  });

  test('scores asked for at the same time do not mix', async () => {
    const model = await load(tinyConfig());
    const amounts = Array.from({ length: 200 }, (_, i) => (i - 100) * 20);
    const answers = await Promise.all(
      amounts.map((amount) => model.score({ loan: { amount }, grade: 'B' })),
    );
    for (const [i, { score }] of answers.entries()) {
      expect(score).toBeCloseTo(tinyScore(amounts[i] ?? 0, 'B'), 6);
    }
  });
});

describe('a model that does not fit the configuration', () => {
  const inputs = tinyConfig().inputs;

  test('a missing file has its code and its path', async () => {
    const model = join(tempFolder(), 'none.onnx');
    expect(await faultOf(tinyConfig({ model }))).toBe(
      `UND_MODEL_MISSING: model file ${model} is not there or not readable`,
    );
  });

  test.each(['', 'not a model', '\0'.repeat(1000)])('content %j is no model', async (content) => {
    const model = join(tempFolder(), 'broken.onnx');
    writeFileSync(model, content);
    expect(await faultOf(tinyConfig({ model }))).toContain('UND_MODEL_INVALID');
  });

  test('an input that the configuration lacks is named', async () => {
    expect(await faultOf(tinyConfig({ inputs: inputs.slice(0, 1) }))).toMatch(
      /^UND_MODEL_INPUTS: .*it has an input grade that is not configured$/,
    );
  });

  test('an input that the model lacks is named', async () => {
    const extra = { name: 'age', pointer: '/age', type: 'float32' } as const;
    expect(await faultOf(tinyConfig({ inputs: [...inputs, extra] }))).toMatch(
      /^UND_MODEL_INPUTS: .*it has no input age$/,
    );
  });

  test('an input of another type is named with both types', async () => {
    const wrong = inputs.map((input) => ({ ...input, type: 'string' }) as const);
    expect(await faultOf(tinyConfig({ inputs: wrong }))).toMatch(
      /^UND_MODEL_INPUTS: .*input amount is float32\[N,1\], configured is string\[N,1\]$/,
    );
  });

  test('an output that is not there, or has too few columns, is named', async () => {
    expect(await faultOf(tinyConfig({ output: 'p' }))).toMatch(
      /^UND_MODEL_INPUTS: .*it has no output p, only probabilities$/,
    );
    expect(await faultOf(tinyConfig({ scoreColumn: 2 }))).toMatch(
      /^UND_MODEL_INPUTS: .*probabilities is float32\[N,2\], needed is float32\[N,3 or more\]$/,
    );
  });
});
