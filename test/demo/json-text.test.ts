import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toReadableJson } from '../../src/demo/json-text.ts';

test('what fits stays on a line, the rest is opened', () => {
  const value = { id: 'a', empty: [], side: { status: 200, predictions: [{ score: 0.5 }] } };
  expect(toReadableJson(value, 64)).toBe(
    [
      '{',
      '  "id": "a",',
      '  "empty": [],',
      '  "side": { "status": 200, "predictions": [{ "score": 0.5 }] }',
      '}',
    ].join('\n'),
  );
});

test('it is the same JSON, whatever the width', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 120 }), (value, columns) => {
      const text = toReadableJson(value, columns);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
