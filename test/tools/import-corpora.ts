/**
 * Makes the data files of the public corpora from checkouts of their repositories:
 *
 *   node test/tools/import-corpora.ts desync-guardian FOLDER
 *   node test/tools/import-corpora.ts llhttp FOLDER
 *   node test/tools/import-corpora.ts http11-probe FOLDER
 *   node test/tools/import-corpora.ts smuggler
 *
 * Each file begins with a line that says where it is from and under which licence. What each case expects
 * is the corpus' own word, or a judgement of ours that stands beside its importer.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DESYNC_GUARDIAN_JUDGEMENTS, readDesyncGuardian } from './corpora/desync-guardian.ts';
import { type Draft, type Entry, type Judgements, toCase } from './corpora/draft.ts';
import { HTTP11_PROBE_JUDGEMENTS, readHttp11Probe } from './corpora/http11-probe.ts';
import { LLHTTP_JUDGEMENTS, readLlhttp } from './corpora/llhttp.ts';
import { smugglerCases } from './corpora/smuggler.ts';

const TARGET = join(import.meta.dirname, '../gateway/oracle/corpus');

interface Source {
  readonly from: string;
  readonly licence: string;
  readonly copyright: string;
}

const SOURCES = {
  'desync-guardian': {
    from: 'github.com/aws/http-desync-guardian 7dd6f37, tests/*.yaml',
    licence: 'Apache-2.0',
    copyright: 'Amazon.com, Inc. or its affiliates',
  },
  llhttp: {
    from: 'github.com/nodejs/llhttp 01e105a, test/request, test/response',
    licence: 'MIT',
    copyright: '2018 Fedor Indutny',
  },
  'http11-probe': {
    from: 'github.com/MDA2AV/Http11Probe 95bc6a9, src/Http11Probe/TestCases/Suites',
    licence: 'MIT',
    copyright: '2026 Diogo Martins',
  },
  smuggler: {
    from: 'github.com/defparam/smuggler 2be871e, configs/default.py',
    licence: 'MIT',
    copyright: '2020 Evan Custodio',
  },
} as const satisfies Record<string, Source>;

function judged(entries: readonly Entry[], judgements: Judgements): Draft[] {
  const unused = Object.keys(judgements).filter((id) => !entries.some((entry) => entry.id === id));
  if (unused.length > 0) throw new Error(`judgements without an entry: ${unused.join(', ')}`);
  return entries.map((entry) => toCase(entry, judgements));
}

function casesOf(name: string, folder: string): Draft[] {
  switch (name) {
    case 'desync-guardian':
      return judged(readDesyncGuardian(folder), DESYNC_GUARDIAN_JUDGEMENTS);
    case 'llhttp':
      return judged(readLlhttp(folder), LLHTTP_JUDGEMENTS);
    case 'http11-probe':
      return judged(readHttp11Probe(folder), HTTP11_PROBE_JUDGEMENTS);
    case 'smuggler':
      return smugglerCases();
    default:
      throw new Error(`no such corpus: ${name}`);
  }
}

const [name = '', folder = ''] = process.argv.slice(2);
const seen = new Set<string>();
const cases = casesOf(name, folder).filter(({ request, answer }) => {
  const input = JSON.stringify([request, answer]);
  return !seen.has(input) && seen.add(input);
});
const folded = cases.map((entry) => ({ ...entry, request: fold(entry.request) }));
const lines = [SOURCES[name as keyof typeof SOURCES], ...folded].map(toAscii);
writeFileSync(join(TARGET, `${name}.ndjson`), `${lines.join('\n')}\n`);
process.stdout.write(`${name}: ${cases.length} cases\n`);

/** A text as it is, or in parts, where something in it repeats a hundred times: `[text, times]`. */
function fold(text: string): string | (string | [string, number])[] {
  const parts: (string | [string, number])[] = [];
  let at = 0;
  for (const match of text.matchAll(/([\s\S]{1,20}?)\1{99,}/g)) {
    const [run, unit = ''] = match;
    parts.push(text.slice(at, match.index), [unit, run.length / unit.length]);
    at = match.index + run.length;
  }
  return at === 0 ? text : [...parts, text.slice(at)];
}

/** JSON in ASCII alone: the bytes of a case survive any editor. */
function toAscii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
