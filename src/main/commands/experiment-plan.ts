/** `understudy experiment plan`: what would be judged, for engines that compute states themselves. */
import { resolve } from 'node:path';
import { attemptHash, toPlan } from '../../analysis/to-plan.ts';
import { loadConfig } from '../../config/load.ts';
import { UnderstudyError } from '../../errors.ts';
import { parseMoment } from './duration.ts';

export interface PlanOptions {
  readonly config: string;
  readonly candidate: string;
  /** Pairs of earlier exchanges are not part of it. */
  readonly since: string;
}

/** Prints the plan of a candidate as JSON. @throws {UnderstudyError} `UND_USAGE` no such candidate */
export function printPlan({ config: file, candidate: name, since }: PlanOptions): void {
  const config = loadConfig(resolve(file));
  const candidate = config.candidates.find((each) => each.name === name);
  if (candidate === undefined) {
    const names = config.candidates.map((each) => each.name).join(', ');
    throw new UnderstudyError('UND_USAGE', `There is no candidate ${name}; there are: ${names}.`);
  }
  const startedAt = new Date(parseMoment(since, Date.now())).toISOString();
  const plan = toPlan(config, candidate, startedAt);
  const hash = attemptHash(config, candidate);
  const { profile } = config.analysis;
  process.stdout.write(`${JSON.stringify({ schema: 'understudy.plan/1', plan, hash, profile })}\n`);
}
