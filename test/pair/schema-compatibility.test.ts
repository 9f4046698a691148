import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { OPEN_LISTS } from '../../src/consumer/tolerant-schema.ts';
import { breachesOf } from './schema-changes.ts';

const FOLDER = 'schemas/published';
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const files = readdirSync(FOLDER).sort();

test('each published schema has the version of a current one', () => {
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(file).toMatch(/^(pair|accounting)-\d+\.\d+\.schema\.json$/);
});

test.each(files)('the current schema keeps what %s has promised', (file) => {
  const current = file.replace(/\.\d+\.schema/, '.schema');
  expect(breachesOf(read(`${FOLDER}/${file}`), read(`schemas/${current}`))).toEqual([]);
});

test('the open lists are in the schema, and said in the document', () => {
  const text = readFileSync('docs/pair-record.md', 'utf8');
  const schema = readFileSync('schemas/pair-1.schema.json', 'utf8');
  for (const name of OPEN_LISTS) {
    expect(schema, name).toContain(`"${name}"`);
    expect(text, name).toContain(`\`${name === 'predictionError' ? 'error' : name}\``);
  }
});

describe('a planted breach is found:', () => {
  const published = read('schemas/pair-1.schema.json');
  const breaches: [string, (schema: typeof published) => void, RegExp][] = [
    ['a field removed', (s) => delete s.properties.route, /properties\/route: is gone/],
    ['a field made optional', (s) => s.required.pop(), /required: state/],
    ['a new field required', (s) => s.required.push('segments'), /required \(new\): segments/],
    ['a type changed', (s) => (s.properties.seq.type = 'string'), /"integer" became "string"/],
    ['a bound narrowed', (s) => (s.properties.seq.maximum = 9), /maximum: \d+ became 9/],
    ['a new bound', (s) => (s.properties.time.maxLength = 27), /time\/maxLength: is new/],
    ['a pattern changed', (s) => (s.properties.id.pattern = '^x'), /id\/pattern/],
    ['a new final state', (s) => s.properties.state.enum.push('lost'), /state\/enum \(new\): lost/],
    [
      'a member of an open list removed',
      (s) => s.properties.flags.items.enum.shift(),
      /flags\/items\/enum: early/,
    ],
  ];
  test.each(breaches)('%s', (_, plant, expected) => {
    const current = structuredClone(published);
    plant(current);
    expect(breachesOf(published, current).join('\n')).toMatch(expected);
  });

  test('and none in what may change', () => {
    const current = structuredClone(published);
    current.description = 'other words';
    current.properties.segments = { type: 'object' };
    current.properties.candidate.properties.attempts = { type: 'integer' };
    current.properties.flags.items.enum.push('a_new_flag');
    current.$defs.predictionError.enum.push('a_new_error');
    current.$defs.segment = { type: 'string' };
    expect(breachesOf(published, current)).toEqual([]);
  });
});
