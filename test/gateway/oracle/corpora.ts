/** The public corpora, as `test/tools/import-corpora.ts` has written them down. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OracleCase } from './case.ts';

type Folded = string | readonly (string | readonly [text: string, times: number])[];

/** @param name - of a file in `corpus/`, without its ending */
export function readCorpus(name: string): OracleCase[] {
  const text = readFileSync(join(import.meta.dirname, 'corpus', `${name}.ndjson`), 'utf8');
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.map((line) => {
    const entry: Omit<OracleCase, 'request'> & { readonly request: Folded } = JSON.parse(line);
    return { ...entry, request: unfold(entry.request) };
  });
}

function unfold(text: Folded): string {
  if (typeof text === 'string') return text;
  return text.map((part) => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('');
}
