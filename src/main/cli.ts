/**
 * The program behind bin/understudy.js. Exit codes: 0 done; 1 it failed, or `check` found a problem; 2 the
 * command line was not understood.
 */
import { CommanderError } from 'commander';
import { ConfigError, UnderstudyError } from '../errors.ts';
import { createProgram } from './program.ts';

/** What a failure says on standard error: code and sentence, or a line for each problem. */
function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) {
    const count = error.problems.length;
    const title = `understudy: ${error.code}: ${count} problem${count === 1 ? '' : 's'} in the configuration`;
    return `${title}\n${error.message}\n`;
  }
  if (error instanceof UnderstudyError) return `understudy: ${error.code}: ${error.message}\n`;
  return `understudy: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}

/** Runs the command line of this process. Never rejects. */
async function main(): Promise<void> {
  const setExitCode = (code: number): void => {
    process.exitCode = code;
  };
  // EPIPE: `head` has seen enough. What is being done goes on to its own end.
  process.stdout.on('error', () => undefined);
  try {
    await createProgram(setExitCode).parseAsync();
  } catch (error) {
    // Commander has said what it did not understand; help and version end with 0.
    if (error instanceof CommanderError) setExitCode(error.exitCode === 0 ? 0 : 2);
    else {
      process.stderr.write(describeFailure(error));
      setExitCode(error instanceof UnderstudyError && error.code === 'UND_USAGE' ? 2 : 1);
    }
  }
}

await main();
