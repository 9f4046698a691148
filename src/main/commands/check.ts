/** `understudy check`: prints the plan and what would not work. */
import { styleText } from 'node:util';
import { loadConfig } from '../../config/load.ts';
import { checkConfig } from '../check.ts';
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
  const count = findings.filter(({ warning }) => warning !== true).length;
  const verdict =
    count === 0
      ? styleText('green', 'all that could be tried works')
      : `${count} problem${count === 1 ? '' : 's'}: serve would start degraded, or not at all where it cannot listen`;
  process.stdout.write(`${verdict}\n`);
  return count === 0 ? 0 : 1;
}
