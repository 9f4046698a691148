/** `understudy journal`: its subcommands and their options. */
import { type Command, Option } from 'commander';
import type { BackupOptions } from './commands/journal-backup.ts';
import type { EraseOptions } from './commands/journal-erase.ts';
import type { ExportOptions } from './commands/journal-export.ts';
import type { InspectOptions } from './commands/journal-inspect.ts';
import type { RepairOptions } from './commands/journal-repair.ts';

/** @param addInstanceOptions - options that say which instance is meant */
export function addJournalCommands(
  program: Command,
  setExitCode: (code: number) => void,
  addInstanceOptions: (command: Command, options?: { readonly remote: boolean }) => Command,
): void {
  const journal = program.command('journal').description('pairs and counts on disk');
  journal.helpCommand(false);
  const add = (name: string): Command =>
    addInstanceOptions(journal.command(name), { remote: false })
      .option('--data <folder>', 'data folder, where no instance is running')
      .option('--file <file>', 'a journal that lies elsewhere: a backup, one that was set aside');
  add('inspect')
    .description('say what is in a journal, and whether it adds up')
    .option('--json', 'print JSON, with counts by hour', false)
    .option('--check', 'read the whole file, too: about a second for each GiB', false)
    .addHelpText('after', '\nExit code 1 when it is damaged, or does not add up.')
    .action(async (options: InspectOptions) => {
      const { inspectJournal } = await import('./commands/journal-inspect.ts');
      setExitCode(await inspectJournal(options));
    });
  add('export')
    .description('write pairs as NDJSON or Parquet, while the instance runs')
    .addOption(
      new Option('--format <format>', 'one record a line, or a table')
        .choices(['ndjson', 'parquet'])
        .default('ndjson'),
    )
    .option('-o, --output <file>', 'a new file; standard output where it is missing')
    .option('--since <time>', 'exchanges from then on: 24h, 2026-11-23T12:00:00Z')
    .option('--until <time>', 'exchanges before then')
    .option('--candidate <name>', 'of this candidate')
    .option('--route <name>', 'of this route')
    .option('--key <key>', 'with this selection key')
    .action(async (options: ExportOptions) => {
      const { exportJournal } = await import('./commands/journal-export.ts');
      await exportJournal(options);
    });
  add('backup')
    .description('copy the journal to one file, checked, while the instance records')
    .requiredOption('--to <file>', 'a new file, on the machine of the mirror')
    .addHelpText('after', '\nTo restore: docs/operations.md, "The journal".')
    .action(async (options: BackupOptions) => {
      const { backUpJournal } = await import('./commands/journal-backup.ts');
      await backUpJournal(options);
    });
  add('repair')
    .description('make a fresh journal of what can be read of a damaged one, which stays as it is')
    .requiredOption('--to <folder>', 'a new data folder')
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nExit code 1 where nothing could be read.')
    .action(async (options: RepairOptions) => {
      const { repairJournal } = await import('./commands/journal-repair.ts');
      setExitCode(await repairJournal(options));
    });
  addInstanceOptions(journal.command('erase'), { remote: false })
    .description(
      'take the pairs of one key out of journal, dead letters and samples of the analysis',
    )
    .option('--data <folder>', 'data folder, where no instance is running')
    .requiredOption('--key <key>', 'selection key, as it stands in a pair')
    .requiredOption('--reason <text>', 'why; it is kept in the audit, the key only as its hash')
    .addHelpText(
      'after',
      '\nExit code 1 where bytes of it are left: the last lines say where, and what to do.',
    )
    .action(async (options: EraseOptions) => {
      const { eraseFromJournal } = await import('./commands/journal-erase.ts');
      setExitCode(await eraseFromJournal(options));
    });
}
