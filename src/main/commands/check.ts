/** `understudy check`: prints the plan and what would not work. */
import { styleText } from 'node:util';
import { loadConfig } from '../../config/load.ts';
import { checkConfig } from '../check.ts';
import type { Finding } from '../probes.ts';
import type { Role } from '../process-plan.ts';
import { checkSample } from '../sample.ts';

export interface CheckOptions {
  readonly config: string;
  readonly role: Role;
  /** A file with a sample request and its answers. */
  readonly sample?: string;
}

/**
 * @returns the exit code: 0 when all would work, 1 otherwise
 * @throws {ConfigError} the configuration itself is wrong
 * @throws {UnderstudyError} `UND_SAMPLE_FILE` the sample cannot be read
 */
export async function check(options: CheckOptions): Promise<number> {
  const config = loadConfig(options.config);
  const { plan, findings: probed } = await checkConfig(config, options.role);
  const sampled = options.sample === undefined ? [] : checkSample(config, options.sample);
  const findings = [...probed, ...sampled];
  process.stdout.write(`${options.config}: valid\n${plan}`);
  for (const { code, message, warning } of findings) {
    const kind = warning === true ? styleText('yellow', 'warning') : styleText('red', 'problem');
    process.stdout.write(`${kind}  ${code}: ${message}\n`);
  }
  const problems = findings.filter(({ warning }) => warning !== true);
  process.stdout.write(`${verdictOn(problems)}\n`);
  return problems.length === 0 ? 0 : 1;
}

function verdictOn(problems: readonly Finding[]): string {
  const { length } = problems;
  if (length === 0) return styleText('green', 'all that could be tried works');
  const count = `${length} problem${length === 1 ? '' : 's'}`;
  if (problems.some(({ fatal }) => fatal === true)) return `${count}: serve would not start`;
  const isSample = problems.every(({ code }) => code === 'UND_SAMPLE_POINTER');
  return isSample
    ? `${count}: serve would start, and pairs would lack what the pointers should find`
    : `${count}: serve would start degraded, and heal; docs/errors.md has each code`;
}
