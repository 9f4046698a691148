/** A mutant: a small fault, kept as a patch, with the tests that are there to see it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Mutant {
  /** `ledger/shed-not-counted`: path of its file below `test/mutants`, without the ending. */
  readonly name: string;
  /** One sentence. */
  readonly fault: string;
  /** Test files that are run with the fault planted. */
  readonly tests: readonly string[];
  /** Absolute path of the patch. */
  readonly file: string;
}

/** Mutants of a folder, in the order of their names. @throws {Error} naming the file whose header is wrong */
export function readMutants(folder: string): Mutant[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      const header = parseHeader(readFileSync(file, 'utf8'));
      if (header === null) throw new Error(`${file}: its head is not "Fault: …" and "Tests: …"`);
      return { name: name.slice(0, -'.patch'.length), file, ...header };
    });
}

/** The lines above the diff; continued lines are indented. `null` where one is missing. */
export function parseHeader(text: string): Pick<Mutant, 'fault' | 'tests'> | null {
  const head = text.slice(0, Math.max(0, text.search(/^(diff --git|---) /m)));
  const unfolded = head.replace(/\n[ \t]+/g, ' ');
  const fault = /^Fault: (.+)$/m.exec(unfolded)?.[1]?.trim();
  const tests = /^Tests: (.+)$/m.exec(unfolded)?.[1]?.trim().split(/\s+/);
  return fault === undefined || tests === undefined ? null : { fault, tests };
}
