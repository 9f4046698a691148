/**
 * The commands and their options. Each command loads what it needs when it is called, so that `--help` and
 * `--version` answer at once.
 */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { AuditOptions } from './commands/audit.ts';
import type { CheckOptions } from './commands/check.ts';
import type { DeadLetterListOptions } from './commands/dead-letters.ts';
import type { HmacOptions } from './commands/hmac.ts';
import type { InstanceOptions } from './commands/instance.ts';
import type { PairsOptions } from './commands/pairs.ts';
import type { PlanOptions } from './commands/plan.ts';
import type { ChangeOptions } from './commands/settings.ts';
import { addJournalCommands } from './journal-commands.ts';
import { ROLES, type Role } from './process-plan.ts';
import { addVerdictCommands } from './verdict-commands.ts';
import { readVersion } from './version.ts';

interface ServeOptions {
  readonly config: string;
  readonly role: Role;
  readonly watch?: boolean;
}

/**
 * The whole command line.
 *
 * @param setExitCode - called where a command ends with another code than 0
 */
export function createProgram(setExitCode: (code: number) => void): Command {
  const program = new Command('understudy')
    .description(
      'Shadow-traffic mirroring proxy for model scoring endpoints: callers get the incumbent’s answers ' +
        'unchanged, candidates get copies, and both answers are joined into pairs.',
    )
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'understudy: UND_USAGE: ')),
    })
    .addHelpText('after', EXAMPLES)
    .exitOverride();

  addConfigOptions(program.command('serve'))
    .description('start Understudy and keep it running until SIGTERM or Ctrl-C')
    .option('--watch', 'reload when the configuration file changes', false)
    .addHelpText(
      'after',
      '\nA second signal ends everything at once, with exit code 1. SIGHUP reads the configuration anew.',
    )
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./commands/serve.ts');
      setExitCode(await serve(options));
    });
  addConfigOptions(program.command('check'))
    .description('say what serve would do and try it: names, ports, models, folders, Kafka')
    .option('--sample <file>', 'hold all JSON Pointers against a sample request and its answers')
    .addHelpText('after', '\nExit code 0 when all would work, 1 otherwise. Nothing is changed.')
    .action(async (options: CheckOptions) => {
      const { check } = await import('./commands/check.ts');
      setExitCode(await check(options));
    });
  program
    .command('plan')
    .description('say what a configuration will cost: load, memory, disk, network')
    .addOption(configOption())
    .requiredOption('--rps <number>', 'requests a second, on all routes together', parseAmount)
    .option('--predictions <number>', 'predictions of one answer', parseAmount, 1)
    .option('--json', 'print JSON', false)
    .action(async (options: PlanOptions) => {
      const { printPlan } = await import('./commands/plan.ts');
      printPlan(options);
    });
  program
    .command('hmac')
    .description('hash values from standard input, one a line, as redaction does')
    .addOption(configOption())
    .option('--key <id>', 'with this key of the configuration; default: with each of them')
    .action(async (options: HmacOptions) => {
      const { printHmacs } = await import('./commands/hmac.ts');
      await printHmacs(options);
    });
  program
    .command('demo')
    .description('run Understudy between two models on real requests, with nothing else needed')
    .option('--once', 'end after the summary', false)
    .option('--kafka <host:port>', 'publish the pairs to this broker as well')
    .action(async ({ once, kafka }: { once: boolean; kafka?: string }) => {
      const { runDemo } = await import('./demo.ts');
      setExitCode(await runDemo({ once, kafka: kafka ?? null }));
    });
  addReloadCommands(program, setExitCode);
  addStatusCommands(program, setExitCode);
  addDeadLetterCommands(program);
  addJournalCommands(program, setExitCode, addInstanceOptions);
  addSettingsCommands(program);
  addVerdictCommands(program, setExitCode, addInstanceOptions);
  pointToHelp(program, 'understudy');
  return program;
}

/** An error names the help of the very command. */
function pointToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`(${name} --help says more)`);
  for (const child of command.commands) pointToHelp(child, `${name} ${child.name()}`);
}

function addReloadCommands(program: Command, setExitCode: (code: number) => void): void {
  addInstanceOptions(program.command('reload'), { remote: false })
    .description('read the configuration anew and put it in force without losing a caller')
    .addHelpText('after', '\nExit code 1 when it is wrong: then nothing has changed.')
    .action(async (options: InstanceOptions) => {
      const { runReload } = await import('./commands/reload.ts');
      setExitCode(await runReload('reload', options));
    });
  addInstanceOptions(program.command('restart'), { remote: false })
    .description('start processes again, one after the other, without losing a caller')
    .addArgument(
      new Argument('[what]', 'gateways, or all processes')
        .choices(['gateways', 'all'])
        .default('gateways'),
    )
    .action(async (what: 'gateways' | 'all', options: InstanceOptions) => {
      const { runReload } = await import('./commands/reload.ts');
      setExitCode(await runReload(`restart-${what}`, options));
    });
}

function addStatusCommands(program: Command, setExitCode: (code: number) => void): void {
  addInstanceOptions(program.command('status'))
    .description('show processes, settings and where every exchange and copy has gone')
    .option('--json', 'print JSON', false)
    .action(async (options: InstanceOptions & { readonly json: boolean }) => {
      const { printStatus } = await import('./commands/status.ts');
      setExitCode(await printStatus(options));
    });
  addInstanceOptions(program.command('pairs'), { remote: false })
    .description('print pair records as JSON, one a line, oldest first')
    .option('-f, --follow', 'go on with new pairs until Ctrl-C', false)
    .option('-n, --limit <number>', 'begin with so many of the newest pairs', parseCount, 10)
    .option('--data <folder>', 'data folder, where no instance is running')
    .action(async (options: PairsOptions) => {
      const { printPairs } = await import('./commands/pairs.ts');
      await printPairs(options);
    });
}

function addDeadLetterCommands(program: Command): void {
  const deadletter = program
    .command('deadletter')
    .description('pairs that Kafka will not take: too large, or refused');
  deadletter.helpCommand(false);
  addInstanceOptions(deadletter.command('list'), { remote: false })
    .description('print them, oldest first: id, code, since when')
    .option('--json', 'print JSON, one a line', false)
    .option('--data <folder>', 'data folder, where no instance is running')
    .action(async (options: DeadLetterListOptions) => {
      const { listDeadLetters } = await import('./commands/dead-letters.ts');
      await listDeadLetters(options);
    });
  for (const [name, what] of [
    ['retry', 'send them again'],
    ['drop', 'forget them; the pairs stay in the journal until their retention ends'],
  ] as const) {
    addInstanceOptions(deadletter.command(name), { remote: false })
      .description(what)
      .argument('[id...]', 'ids, as the list shows them')
      .option('--all', 'all that are listed', false)
      .action(async (ids: string[], options: InstanceOptions & { readonly all: boolean }) => {
        const { settleDeadLetters } = await import('./commands/dead-letters.ts');
        await settleDeadLetters(name, ids, options);
      });
  }
}

function addSettingsCommands(program: Command): void {
  const rate = program
    .command('rate')
    .description('the share of exchanges that candidates are sent');
  rate.helpCommand(false);
  addInstanceOptions(rate.command('get'))
    .description('print the rates in force')
    .action(async (options: InstanceOptions) => {
      const { getRate } = await import('./commands/settings.ts');
      await getRate(options);
    });
  addChangeOptions(rate.command('set'))
    .description('set the rate, in force within a second')
    .argument('<rate>', '0 to 1, or a percentage: 0.25, 25%')
    .option('--candidate <name>', 'of this candidate; of all where it is missing')
    .action(async (text: string, options: ChangeOptions) => {
      const { setRate } = await import('./commands/settings.ts');
      await setRate(text, options);
    });
  addChangeOptions(rate.command('cap'))
    .description('cap the copies a second, in force within a second')
    .argument('<cap>', 'copies a second, or none: 100, 100/s, none')
    .option('--candidate <name>', 'of this candidate; of all where it is missing')
    .action(async (text: string, options: ChangeOptions) => {
      const { setCap } = await import('./commands/settings.ts');
      await setCap(text, options);
    });
  addChangeOptions(rate.command('undo'))
    .description('put back what was in force before the last change')
    .action(async (options: ChangeOptions) => {
      const { undoChange } = await import('./commands/settings.ts');
      await undoChange(options);
    });
  const mirror = program.command('mirror').description('the switch that stops all copies');
  mirror.helpCommand(false);
  for (const [name, enabled] of [
    ['on', true],
    ['off', false],
  ] as const) {
    addChangeOptions(mirror.command(name))
      .description(`switch mirroring ${name}, in force within a second`)
      .action(async (options: ChangeOptions) => {
        const { setMirror } = await import('./commands/settings.ts');
        await setMirror(enabled, options);
      });
  }
  addInstanceOptions(program.command('audit'))
    .description('print who changed what, when and why')
    .option('--since <time>', 'so long ago, or a time: 24h, 2026-11-23T12:00:00Z')
    .option('--json', 'print JSON, one change a line', false)
    .option('--data <folder>', 'data folder, where no instance is running')
    .action(async (options: AuditOptions) => {
      const { printAudit } = await import('./commands/audit.ts');
      await printAudit(options);
    });
}

const EXAMPLES = `
Examples:
  understudy demo                                     see it work, on real data
  understudy check --config understudy.yaml           what would it do, and would it work?
  understudy plan --config understudy.yaml --rps 500  what would it cost?
  understudy serve --config understudy.yaml           start it
  understudy reload                                   the configuration has changed
  understudy status                                   where has every exchange gone?
  understudy rate set 25% --reason "ramp up"          send fewer copies
  understudy rate set 25% --for 30m --reason "soak"   for half an hour, then as before
  understudy rate undo --reason "too much"            take the last change back
  understudy audit --since 24h                        who changed what?
  understudy mirror off --reason "incident 4711"      send none
  understudy verdict --wait                           is the candidate good enough?
  understudy labels import outcomes.csv               what really happened, when it is known
  understudy report --format html -o report.html      all that is known of it, to attach
  understudy pairs --follow | jq .divergence          watch pairs
  understudy journal inspect                          what is on disk?

Exit codes: 0 done; 1 it failed, or check found a problem; 2 the command line was not understood; verdict has its own.
UNDERSTUDY_CONFIG stands in for --config, UNDERSTUDY_RUN for --run where no --config is given. Each
key of the configuration is an environment variable, too: gateway.processes is UNDERSTUDY_GATEWAY_PROCESSES.`;

function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration, YAML')
    .env('UNDERSTUDY_CONFIG')
    .default('understudy.yaml');
}

function addConfigOptions(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      new Option('--role <role>', 'processes to start: all, or one half of two services')
        .choices(ROLES)
        .default('all'),
    );
}

function addInstanceOptions(command: Command, { remote } = { remote: true }): Command {
  command
    .option(
      '--run <folder>',
      'run folder of the instance (default: $UNDERSTUDY_RUN, else .understudy/run)',
    )
    .option('-c, --config <file>', 'its configuration, which names the run folder');
  if (!remote) return command;
  return command
    .option('--admin <url>', 'admin API of an instance elsewhere')
    .option('--token-file <file>', 'its bearer token, for --admin');
}

function addChangeOptions(command: Command): Command {
  return addInstanceOptions(command)
    .requiredOption('--reason <text>', 'why; it is kept with the change')
    .option('--for <time>', 'for so long, then what was before comes back: 30m, 24h');
}

function parseAmount(text: string): number {
  const amount = Number(text);
  if (text.trim() !== '' && amount > 0 && amount <= 1e9) return amount;
  throw new InvalidArgumentError('It is a number above 0.');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= 1e9) return count;
  throw new InvalidArgumentError('It is a number, 0 or more.');
}
