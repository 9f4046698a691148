/**
 * A check is trusted after it has caught a planted fault. Plants each mutant of this folder in a temporary copy
 * of the repository (as it is now, uncommitted changes included), runs its tests, and prints which one saw it.
 *
 *   npm run mutants                  all of them, one after the other: a few seconds each
 *   npm run mutants -- journal       those with "journal" in their name
 *   npm run mutants -- --apply-only  only whether each patch still applies: no test is run
 *
 * Exit code 1 when one survives, a patch no longer applies, or the tests fail without any fault.
 *
 * A mutant is a file `AREA/what-is-wrong.patch`: a head of two lines, then a unified diff (`git diff -U1`) of
 * files in `src`. It should be a mistake that somebody could make, and still be a program: a syntax error tells
 * nothing. Property tests that are to see it need a saved seed.
 *
 *   Fault: an exchange that was shed is not counted
 *   Tests: test/wire/exchange-ledger.test.ts test/mirror/epoch-books.test.ts
 *
 *   --- a/src/wire/exchange-ledger.ts
 *   +++ b/src/wire/exchange-ledger.ts
 *   …
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, readMutants } from './mutant.ts';
import { Copy } from './plant.ts';

const root = join(import.meta.dirname, '../..');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { 'apply-only': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const filter = positionals[0] ?? '';
  const mutants = readMutants(import.meta.dirname).filter(({ name }) => name.includes(filter));
  if (mutants.length === 0) {
    console.error(`mutants: none with "${filter}" in its name`);
    return 1;
  }
  const copy = new Copy(root);
  process.once('exit', () => copy.remove());
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const applyOnly = values['apply-only'];
  if (!applyOnly && !(await isGreen(copy, mutants))) return 1;
  let bad = 0;
  for (const mutant of mutants) {
    const { isGood, line } = await tryMutant(copy, mutant, applyOnly);
    const width = Math.max(...mutants.map(({ name }) => name.length));
    console.log(`${mutant.name.padEnd(width)}  ${line}`);
    if (isGood) continue;
    bad += 1;
    console.log(`${' '.repeat(width)}            ${mutant.fault}`);
  }
  const good = applyOnly ? 'apply' : 'killed';
  console.log(`\n${mutants.length - bad} of ${mutants.length} mutants ${good}`);
  return bad === 0 ? 0 : 1;
}

/** Tests that fail without any fault would kill every mutant. */
async function isGreen(copy: Copy, mutants: readonly Mutant[]): Promise<boolean> {
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))].sort();
  const outcome = await copy.run(tests);
  if (outcome.result === 'passed') return true;
  const what = outcome.result === 'failed' ? outcome.by : outcome.why;
  console.error(`mutants: without any fault, the tests fail: ${what}`);
  return false;
}

async function tryMutant(
  copy: Copy,
  mutant: Mutant,
  applyOnly: boolean,
): Promise<{ isGood: boolean; line: string }> {
  const fault = copy.plant(mutant);
  if (fault !== '') return { isGood: false, line: `no longer applies: ${fault}` };
  try {
    if (applyOnly) return { isGood: true, line: 'applies' };
    const outcome = await copy.run(mutant.tests);
    if (outcome.result === 'failed') return { isGood: true, line: `killed    ${outcome.by}` };
    const line = outcome.result === 'broken' ? `broken    ${outcome.why}` : 'SURVIVED';
    return { isGood: false, line };
  } finally {
    copy.unplant(mutant);
  }
}

process.exitCode = await main();
