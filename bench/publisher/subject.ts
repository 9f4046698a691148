/**
 * What is measured, in a process of its own that can be pinned to a core.
 *
 *   node bench/publisher/subject.ts '{"what": …}'
 *
 * Prints its result as one line of JSON.
 */
import { type DriverInput, measureDriver } from './driver-cost.ts';
import { measureJournal } from './journal-cost.ts';
import { measureWhole, type WholeInput } from './whole.ts';

export type SubjectInput =
  | { readonly what: 'journal'; readonly folder: string; readonly pairs: number }
  | ({ readonly what: 'driver' } & DriverInput)
  | ({ readonly what: 'whole' } & WholeInput);

async function measure(input: SubjectInput): Promise<unknown> {
  switch (input.what) {
    case 'journal':
      return measureJournal(input.folder, input.pairs);
    case 'driver':
      return measureDriver(input);
    case 'whole':
      return measureWhole(input);
  }
}

const input: SubjectInput = JSON.parse(process.argv[2] ?? '{}');
process.stdout.write(`${JSON.stringify(await measure(input))}\n`);
