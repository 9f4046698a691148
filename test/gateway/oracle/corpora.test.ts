/** F-23: the public corpora. Their licences stand in the first lines of the data files. */
import { describe } from 'vitest';
import { readCorpus } from './corpora.ts';
import { GARDEN_CASES } from './garden-cases.ts';
import { runCases } from './run-cases.ts';

describe.each(['desync-guardian', 'llhttp', 'http11-probe', 'smuggler'])('%s', (name) => {
  runCases(readCorpus(name));
});

describe('http-garden', () => {
  runCases(GARDEN_CASES);
});
