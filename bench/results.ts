/** Writes a run into bench/RESULTS.md, between its two marks: what people wrote around them stays. */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('./RESULTS.md', import.meta.url);
const END = '<!-- end of what is written -->';

export interface Results {
  readonly conditions: readonly (readonly [string, string])[];
  readonly tables: string;
}

/** @param mark - which of the runs it is: the suite and what else was chosen */
export function saveResults(mark: string, results: Results): void {
  writeFileSync(FILE, replaceBetween(readExisting(), mark, toMarkdown(results)));
}

/** @returns the document with a new text between the marks; they are appended where they are missing */
export function replaceBetween(document: string, mark: string, text: string): string {
  const first = `<!-- bench: ${mark} -->`;
  const block = `${first}\n\n${text}\n\n${END}`;
  const begin = document.indexOf(first);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, begin) + block + document.slice(end + END.length);
}

function toMarkdown({ conditions, tables }: Results): string {
  const rows = conditions.map(([name, value]) => `| ${name} | ${value} |`);
  return ['| condition | |', '|---|---|', ...rows, '', '```', tables, '```'].join('\n');
}

function readExisting(): string {
  try {
    return readFileSync(FILE, 'utf8');
  } catch {
    return '# Measured\n';
  }
}
