import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseHeader, readMutants } from './mutant.ts';

test('each mutant says what is wrong, and names tests that are there', () => {
  const mutants = readMutants(import.meta.dirname);
  expect(mutants.length).toBeGreaterThan(0);
  for (const { name, tests } of mutants) {
    for (const file of tests) expect(existsSync(file), `${name}: ${file}`).toBe(true);
  }
});

test('each can still be planted', () => {
  const stale = readMutants(import.meta.dirname).flatMap(({ name, file }) => {
    const args = ['apply', '--check', '--recount', '-C1', file];
    return spawnSync('git', args, { stdio: 'ignore' }).status === 0 ? [] : [name];
  });
  expect(stale).toEqual([]);
});

test('a head is read up to the diff, with its continued lines', () => {
  const head = 'Fault: a count\n  is taken back\nTests: a.test.ts\n  b.test.ts\n\n';
  const expected = { fault: 'a count is taken back', tests: ['a.test.ts', 'b.test.ts'] };
  expect(parseHeader(`${head}--- a/x\n+++ b/x\n+Fault: no\n`)).toEqual(expected);
  expect(parseHeader(`${head}diff --git a/x b/x\n`)).toEqual(expected);
});

test.each([['Fault: a\n\n--- a/x\n'], ['Tests: a\n\n--- a/x\n'], ['Fault: a\nTests: b\n']])(
  'a head without fault, tests or diff is none',
  (text) => {
    expect(parseHeader(text)).toBeNull();
  },
);
