/** `understudy verdict`, `analyse`, `report`, `labels` and `experiment`: their options. */
import { type Command, Option } from 'commander';
import type { AnalyseOptions } from './commands/analyse.ts';
import type { CompareOptions } from './commands/compare.ts';
import type { ExperimentOptions } from './commands/experiment.ts';
import type { PlanOptions } from './commands/experiment-plan.ts';
import type { InstanceOptions } from './commands/instance.ts';
import type { LabelImportOptions } from './commands/labels.ts';
import type { ReportOptions } from './commands/report.ts';
import type { VerdictOptions } from './commands/verdict.ts';

/** Adds all five. @param addInstanceOptions - options that say which instance is meant */
export function addVerdictCommands(
  program: Command,
  setExitCode: (code: number) => void,
  addInstanceOptions: (command: Command, options?: { readonly remote: boolean }) => Command,
): void {
  addInstanceOptions(program.command('verdict'))
    .description('say whether a candidate is good enough, with the evidence')
    .option('--candidate <name>', 'one candidate; all where it is missing')
    .option('--wait', 'wait until it is decided', false)
    .addOption(
      new Option('--format <format>', 'how it is printed')
        .choices(['text', 'json', 'junit', 'github'])
        .default('text'),
    )
    .option('--data <folder>', 'data folder, where no instance is running')
    .addHelpText('after', VERDICT_HELP)
    .action(async (options: VerdictOptions) => {
      const { printVerdict } = await import('./commands/verdict.ts');
      setExitCode(await printVerdict(options));
    });
  addAnalyseCommand(program, setExitCode);
  addReportCommand(addInstanceOptions(program.command('report'), { remote: false }));
  const labels = program
    .command('labels')
    .description('outcomes that come later: what really happened to a request');
  labels.helpCommand(false);
  addLabelsImport(addInstanceOptions(labels.command('import')));
  const experiment = program
    .command('experiment')
    .description('attempts of candidates: what was judged, from when to when');
  experiment.helpCommand(false);
  addInstanceOptions(experiment.command('list'))
    .description('print the newest attempts, oldest first')
    .option('--json', 'print JSON', false)
    .action(async (options: InstanceOptions & { readonly json: boolean }) => {
      const { listExperiments } = await import('./commands/experiment.ts');
      await listExperiments(options);
    });
  addInstanceOptions(experiment.command('compare'), { remote: false })
    .description('say which of two candidates loses less, on identical exchanges')
    .argument('<first>', 'a candidate')
    .argument('<second>', 'another one')
    .option('--json', 'print JSON', false)
    .option('--data <folder>', 'data folder, where no instance is running')
    .action(async (first: string, second: string, options: CompareOptions) => {
      const { compareCandidates } = await import('./commands/compare.ts');
      await compareCandidates([first, second], options);
    });
  experiment
    .command('plan')
    .description('print what would be judged, for an engine that computes states itself')
    .addOption(configOption())
    .requiredOption('--candidate <name>', 'which one')
    .requiredOption('--since <time>', 'where the attempt starts: 24h, 2026-11-23T12:00:00Z')
    .action(async (options: PlanOptions) => {
      const { printPlan } = await import('./commands/experiment-plan.ts');
      printPlan(options);
    });
  for (const [action, what] of [
    ['start', 'begin a new attempt of a candidate; the present one is closed'],
    ['close', 'end the present attempt of a candidate; no other begins by itself'],
  ] as const) {
    addInstanceOptions(experiment.command(action))
      .description(what)
      .requiredOption('--candidate <name>', 'which one')
      .requiredOption('--reason <text>', 'why; it is kept with the attempt')
      .action(async (options: ExperimentOptions) => {
        const { changeExperiment } = await import('./commands/experiment.ts');
        await changeExperiment(action, options);
      });
  }
}

function addAnalyseCommand(program: Command, setExitCode: (code: number) => void): void {
  program
    .command('analyse')
    .description('judge candidates by the pairs of a Kafka topic, without an instance')
    .addOption(configOption())
    .requiredOption('--data <folder>', 'folder of its state; one of its own')
    .option('--partitions <list>', 'partitions of the topic, 0,2,5-7; all where it is missing')
    .option('--since <time>', 'where a first attempt starts: 24h, 2026-11-23T12:00:00Z; now')
    .option('--until-end', 'end with the messages that are there, and with the verdict', false)
    .action(async (options: AnalyseOptions) => {
      const { analyse } = await import('./commands/analyse.ts');
      setExitCode(await analyse(options));
    });
}

function addLabelsImport(command: Command): void {
  command
    .description('take outcomes from a file, CSV or NDJSON: key, label and, where it is known, at')
    .argument('<file>', 'key: the join value of a pair, or the id of its exchange')
    .addOption(new Option('--format <format>', 'where the name says neither').choices(FORMATS))
    .option('--data <folder>', 'data folder, where no instance is running')
    .option('--json', 'print JSON', false)
    .addHelpText('after', LABELS_HELP)
    .action(async (file: string, options: LabelImportOptions) => {
      const { importLabels } = await import('./commands/labels.ts');
      await importLabels(file, options);
    });
}

const FORMATS = ['csv', 'ndjson'] as const;

const LABELS_HELP = `
A file with a wrong line changes nothing: each is named. The same file again changes nothing either; a later
outcome corrects an earlier one (at, else the time of the import).`;

function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration, YAML')
    .env('UNDERSTUDY_CONFIG')
    .default('understudy.yaml');
}

function addReportCommand(command: Command): void {
  command
    .description('print all that is known of a candidate: scores, latency, coverage, segments')
    .option('--candidate <name>', 'one candidate; all where it is missing')
    .addOption(
      new Option('--format <format>', 'how it is printed')
        .choices(['html', 'md', 'json'])
        .default('md'),
    )
    .option('-o, --output <file>', 'write it there, not to standard output')
    .option('--data <folder>', 'data folder, where no instance is running')
    .option('--merge <path...>', 'data folders of analyse and files of states: report their sum')
    .action(async (options: ReportOptions) => {
      const { printReport } = await import('./commands/report.ts');
      await printReport(options);
    });
}

const VERDICT_HELP = `
Exit codes: 0 PASS; 10 FAIL; 11 INVALID; 12 INCONCLUSIVE; 13 CONTINUE; of several candidates the worst.
1 and 2 as always: it failed, or was not understood.`;
