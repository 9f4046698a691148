import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import { compileAnswerReader } from '../../src/prediction/read-predictions.ts';

const SINGLE = DEFAULTS.route.prediction;
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

  it("keeps all digits of a label where Python's NaN stands beside it", () => {
    const { predictions } = readSingle('{"score":0.5,"label":9007199254740993,"margin":NaN}');
    expect(predictions).toEqual([{ score: 0.5, label: '9007199254740993' }]);
  });

  it('keeps what could be read beside an error', () => {
    expect(readSingle('{"score":0.9}').predictions).toEqual([{ score: 0.9 }]);
    expect(readSingle('{"score":"x","label":true}').predictions).toEqual([{ label: true }]);
  });

  it('does not look for what is configured as not there', () => {
    const read = compileAnswerReader({ ...SINGLE, label: '', modelVersion: '' });
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

  it('keeps the digits of scores, labels and ids beyond 2^53, and of all scores where it is asked to', () => {
    const config = { ...BATCH, id: '/id' };
    const body =
      '{"predictions":[{"id":12345678901234567891,"score":9007199254740993,"label":9007199254740995},' +
      '{"id":2,"score":0.50,"label":3}]}';
    const reading = compileAnswerReader(config)(body);
    expect(reading.predictions).toEqual([
      { id: '12345678901234567891', score: 9007199254740992, label: '9007199254740995' },
      { id: '2', score: 0.5, label: 3 },
    ]);
    expect(reading.exactScores?.get(0)).toBe('9007199254740993');
    const plain = '{"score":0.50,"label":"x"}';
    expect(readSingle(plain).exactScores).toBeUndefined();
    const exact = compileAnswerReader(SINGLE, { isExact: true })(plain);
    expect(exact.exactScores?.get(0)).toBe('0.50');
  });

  it.each([
    ['classes_invalid', '{"score":1,"label":"x"}'],
    ['classes_invalid', '{"score":1,"label":"x","p":0.5}'],
    ['classes_invalid', '{"score":1,"label":"x","p":[0.5,null]}'],
    ['classes_invalid', '{"score":1,"label":"x","p":{"a":1e400}}'],
    ['classes_invalid', `{"score":1,"label":"x","p":[${'0,'.repeat(LIMITS.classes)}0]}`],
    [undefined, '{"score":1,"label":"x","p":[0.5,0.5]}'],
    [undefined, '{"score":1,"label":"x","p":{"__proto__":0.5}}'],
  ])('says %s of the classes of %s', (error, body) => {
    expect(compileAnswerReader({ ...SINGLE, classes: '/p' })(body).error).toBe(error);
  });

  it('says where an element has no id, and reads no more numbers of classes than a pair can hold', () => {
    const read = compileAnswerReader({ ...BATCH, id: '/id', classes: '/p' });
    const item = { score: 1, label: 'x', id: null, p: new Array(LIMITS.classes).fill(0) };
    expect(read(JSON.stringify({ predictions: [item] })).error).toBe('id_missing');
    const many = new Array(LIMITS.classNumbers / LIMITS.classes + 1).fill({ ...item, id: 'a' });
    expect(read(JSON.stringify({ predictions: many })).error).toBe('items_too_many');
  });
});
