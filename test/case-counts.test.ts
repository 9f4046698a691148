/** The counts of cases in docs/reliability.md: each table adds up to what is claimed above it, and its files exist. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const TEXT = readFileSync('docs/reliability.md', 'utf8');

/** Rows of the table whose first column has this head. */
function rowsOf(head: string): string[][] {
  const table = new RegExp(`^\\| ${head} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(TEXT)?.[1];
  return (table ?? '')
    .trimEnd()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

it.each([
  ['framing', 'family', 1],
  ['isolation', 'isolation', 3],
  ['limits', 'limits', 3],
  ['restarts', 'restarts', 3],
])('%s cases add up', (name, head, column) => {
  const claimed = new RegExp(`\\*\\*([\\d,]+) ${name} cases\\*\\*`).exec(TEXT)?.[1] ?? '';
  const counts = rowsOf(head).map((row) => Number(row[column]));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(Number(claimed.replace(',', '')));
});

it('names files that exist', () => {
  const named = ['isolation', 'limits', 'restarts'].flatMap(rowsOf).map((row) => row[4] ?? '');
  const files = named.flatMap((cell) => cell.match(/test\/[\w/.-]+\.ts/g) ?? []);
  expect(files.length).toBeGreaterThan(25);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});
