/** `understudy journal export`: pairs as NDJSON or Parquet, while the instance runs. */
import { UnderstudyError } from '../../errors.ts';
import { JournalReader } from '../../record/journal/journal-reader.ts';
import { type PairSelection, selectPairs } from '../../record/journal/pair-selection.ts';
import { PairTable } from '../../record/journal/pair-table.ts';
import { type ByteOutput, FileOutput, StandardOutput } from './byte-output.ts';
import { parseMoment } from './duration.ts';
import { findJournal, type JournalOptions } from './journal-place.ts';

export interface ExportOptions extends JournalOptions {
  readonly format: 'ndjson' | 'parquet';
  /** A new file; standard output where it is missing. */
  readonly output?: string;
  /** `24h`, or a time in ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  readonly candidate?: string;
  readonly route?: string;
  readonly key?: string;
}

/** Reads and writes page by page; says on standard error how many pairs it were. Errors as their parts. */
export async function exportJournal(options: ExportOptions): Promise<void> {
  const selection = toSelection(options, Date.now());
  const path = await findJournal(options);
  const reader = JournalReader.openFile(path);
  if (reader.generation() === '') {
    throw new UnderstudyError('UND_JOURNAL_CORRUPT', `${path} is no journal, or an empty one.`);
  }
  const output =
    options.output === undefined ? new StandardOutput() : new FileOutput(options.output);
  try {
    const format = options.format === 'parquet' ? writeParquet : writeLines;
    const pairs = await format(reader, selection, output);
    await output.end();
    const text = `${pairs} pair${pairs === 1 ? '' : 's'}`;
    process.stderr.write(
      output.isGone ? `the reader left after ${text} or less\n` : `${text} exported\n`,
    );
  } catch (error) {
    output.abandon();
    throw error;
  } finally {
    reader.close();
  }
}

async function writeLines(
  reader: JournalReader,
  selection: PairSelection,
  output: ByteOutput,
): Promise<number> {
  let count = 0;
  for (const page of selectPairs(reader, selection)) {
    await output.write(page.map(({ json }) => `${json}\n`).join(''));
    count += page.length;
    if (output.isGone) break;
  }
  return count;
}

async function writeParquet(
  reader: JournalReader,
  selection: PairSelection,
  output: ByteOutput,
): Promise<number> {
  const table = new PairTable((bytes) => output.write(bytes));
  let count = 0;
  for (const page of selectPairs(reader, selection)) {
    await table.add(page);
    count += page.length;
    if (output.isGone) break;
  }
  await table.end();
  return count;
}

function toSelection(options: ExportOptions, nowMs: number): PairSelection {
  const { since, until, candidate, route, key } = options;
  return {
    ...(since === undefined ? {} : { fromMs: parseMoment(since, nowMs) }),
    ...(until === undefined ? {} : { toMs: parseMoment(until, nowMs) }),
    ...(candidate === undefined ? {} : { candidate }),
    ...(route === undefined ? {} : { route }),
    ...(key === undefined ? {} : { key }),
  };
}
