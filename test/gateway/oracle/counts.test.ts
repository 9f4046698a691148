/** The counts in docs/reliability.md are those of the data. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ANSWER_CASES } from './answer-cases.ts';
import { familyOf } from './case.ts';
import { readCorpus } from './corpora.ts';
import { FRAMING_CASES } from './framing-cases.ts';
import { GARDEN_CASES } from './garden-cases.ts';

const CORPORA = ['desync-guardian', 'llhttp', 'http11-probe', 'smuggler'];
const ALL = [...FRAMING_CASES, ...ANSWER_CASES, ...CORPORA.flatMap(readCorpus), ...GARDEN_CASES];
const document = readFileSync('docs/reliability.md', 'utf8');
const text = document.slice(document.indexOf('## Framing')).split(/^## /m)[1] ?? '';

it('says how many framing cases there are, by family', () => {
  const rows = [...text.matchAll(/^\| `?([A-Za-z0-9-]+)`? \| ([\d,]+) \|/gm)];
  const told = Object.fromEntries(
    rows.map(([, family, n = '']) => [family, Number(n.replace(',', ''))]),
  );
  const families = Map.groupBy(ALL, ({ id }) => familyOf(id));
  for (const [family, cases] of families) expect(told[family], family).toBe(cases.length);
});

it('says how many there are in all', () => {
  const total = /\*\*([\d,]+) framing cases\*\*/.exec(text)?.[1] ?? '';
  expect(Number(total.replace(',', ''))).toBe(ALL.length);
  expect(ALL.length).toBeGreaterThan(700);
  const inputs = ALL.map(({ request, answer, interim }) =>
    JSON.stringify([request, answer, interim]),
  );
  const distinct = /\(([\d,]+) inputs/.exec(text)?.[1] ?? '';
  expect(new Set(inputs).size).toBe(Number(distinct.replace(',', '')));
  expect(new Set(ALL.map(({ id }) => id)).size).toBe(ALL.length);
});
