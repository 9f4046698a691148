import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { compileAnswerReader } from '../../src/prediction/read-predictions.ts';

const SINGLE = { items: '', score: '/score', label: '/label', modelVersion: '/model_version' };
const BATCH = { ...SINGLE, items: '/predictions' };

const readSingle = compileAnswerReader(SINGLE);
const readBatch = compileAnswerReader(BATCH);

describe('compileAnswerReader', () => {
  it('reads score, label and model version of one prediction', () => {
    expect(readSingle('{"score":0.93,"label":"bad","model_version":"6.2"}')).toEqual({
      predictions: [{ score: 0.93, label: 'bad' }],
      modelVersion: '6.2',
      error: undefined,
    });
  });

  it.each([
    ['not_json', '<html>'],
    ['not_json', ''],
    ['score_missing', '{"label":"bad"}'],
    ['score_missing', '[]'],
    ['score_missing', 'null'],
    ['score_not_a_number', '{"score":"0.9","label":"bad"}'],
    ['score_not_a_number', '{"score":null,"label":"bad"}'],
    ['score_not_a_number', '{"score":NaN,"label":"bad"}'],
    ['score_infinite', '{"score":1e400,"label":"bad"}'],
    ['score_infinite', '{"score":-1e400,"label":"bad"}'],
    ['score_infinite', '{"score":Infinity,"label":"bad"}'],
    ['score_infinite', '{"score":-Infinity,"label":"bad"}'],
    ['duplicate_key', '{"score":0.9,"label":"bad","label":"good"}'],
    ['duplicate_key', '{"score":0.9,"label":"bad","x":[{"a":1,"\\u0061":2}]}'],
    ['duplicate_key', '{"score":null,"score":null}'],
    ['too_deep', `${'['.repeat(LIMITS.jsonDepth + 1)}${']'.repeat(LIMITS.jsonDepth + 1)}`],
    ['too_deep', '{"a":'.repeat(1_000_000)],
    ['score_missing', `${'['.repeat(LIMITS.jsonDepth)}${']'.repeat(LIMITS.jsonDepth)}`],
    ['score_not_a_number', '{"score":[0.1],"label":"bad"}'],
    ['label_missing', '{"score":0.9}'],
    ['label_missing', '{"score":0.9,"label":null}'],
    ['label_missing', '{"score":0.9,"label":{"a":1}}'],
  ])('says %s of %s', (error, body) => {
    expect(readSingle(body).error).toBe(error);
  });

  it('takes no text for a key, nor for depth, nor a key for another', () => {
    const label = `:{[ \\" ${':{['.repeat(200)}`;
    const body = JSON.stringify({ score: 1, label, __proto__: 1, constructor: { a: { a: 1 } } });
    expect(readSingle(body).error).toBeUndefined();
    expect(readSingle('{"score":1,"label":"x","__proto__":1,"\\u005f":2}').error).toBeUndefined();
  });

  it('keeps what could be read beside an error', () => {
    expect(readSingle('{"score":0.9}').predictions).toEqual([{ score: 0.9 }]);
    expect(readSingle('{"score":"x","label":true}').predictions).toEqual([{ label: true }]);
  });

  it('does not look for what is configured as not there', () => {
    const read = compileAnswerReader({ items: '', score: '/score', label: '', modelVersion: '' });
    expect(read('{"score":1,"label":"x","model_version":"1"}')).toEqual({
      predictions: [{ score: 1 }],
      modelVersion: undefined,
      error: undefined,
    });
  });

  it('reads a batch in order, the model version from the root', () => {
    const body =
      '{"predictions":[{"score":1,"label":"a"},{"score":2,"label":2}],"model_version":7}';
    expect(readBatch(body)).toEqual({
      predictions: [
        { score: 1, label: 'a' },
        { score: 2, label: 2 },
      ],
      modelVersion: '7',
      error: undefined,
    });
  });

  it('keeps the positions of a batch when one element is wrong', () => {
    const { predictions, error } = readBatch(
      '{"predictions":[{"label":"a"},{"score":2,"label":"b"}]}',
    );
    expect(predictions).toEqual([{ label: 'a' }, { score: 2, label: 'b' }]);
    expect(error).toBe('score_missing');
  });

  it.each(['{}', '{"predictions":{}}', '{"predictions":null}', '[]'])(
    'misses the items of %s',
    (body) => {
      expect(readBatch(body)).toEqual({
        predictions: [],
        modelVersion: undefined,
        error: 'items_missing',
      });
    },
  );

  it('reads a batch at the limit, and none of one over it', () => {
    const batch = (n: number) =>
      JSON.stringify({ predictions: Array.from({ length: n }, () => ({ score: 1, label: 'a' })) });
    expect(readBatch(batch(LIMITS.predictions)).predictions).toHaveLength(LIMITS.predictions);
    expect(readBatch(batch(LIMITS.predictions + 1))).toMatchObject({
      predictions: [],
      error: 'items_too_many',
    });
  });

  it('cuts labels and model versions at the limit', () => {
    const long = 'x'.repeat(LIMITS.capturedCharacters + 1);
    const reading = readSingle(JSON.stringify({ score: 1, label: long, model_version: long }));
    expect(reading.predictions[0]?.label).toHaveLength(LIMITS.capturedCharacters);
    expect(reading.modelVersion).toHaveLength(LIMITS.capturedCharacters);
  });

  it('never throws, and never gives a score that is not finite', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.boolean(), (body, isBatch) => {
        const { predictions } = (isBatch ? readBatch : readSingle)(body);
        for (const { score } of predictions) {
          if (score !== undefined) expect(Number.isFinite(score)).toBe(true);
        }
      }),
    );
  });
});
