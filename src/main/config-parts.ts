/**
 * What of a configuration each kind of process reads. A reload starts only those again whose part has
 * changed. A part may be too large, which costs a needless restart; it must never be too small: so each
 * leaves out only what that kind is known not to read.
 */
import type { Config } from '../config/types.ts';
import type { ProcessPlan } from './process-plan.ts';

/** @returns a text that is another one when the process has to start again */
export function partOf(config: Config, plan: ProcessPlan): string {
  return JSON.stringify(PARTS[plan.kind](config, plan.name));
}

const PARTS = {
  gateway: ({
    dataDir,
    journal,
    kafka,
    analysis,
    admin,
    metrics,
    candidates,
    ...rest
  }: Config) => ({
    ...rest,
    candidates: candidates.map(({ name, routes, rate }) => ({ name, routes, rate })),
  }),
  mirror: ({ listeners, admin, metrics, gateway, analysis, ...rest }: Config) => ({
    ...rest,
    analysed: analysis.enabled,
    caps: [gateway.maxRequestBytes, gateway.maxAnswerBytes],
  }),
  model: ({ instance, runDir, log, candidates }: Config, name: string) => ({
    instance,
    runDir,
    log,
    candidate: candidates.find((candidate) => `model-${candidate.name}` === name),
  }),
  // It shows the whole configuration's processes, rates and addresses, and is quickly there again.
  admin: (config: Config) => config,
} as const satisfies Record<ProcessPlan['kind'], (config: Config, name: string) => unknown>;
