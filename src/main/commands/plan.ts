/** `understudy plan`: what a configuration will cost at a given traffic. */
import { loadConfig } from '../../config/load.ts';
import { makePlan } from '../plan.ts';
import { renderCost } from '../render-cost.ts';

export interface PlanOptions {
  readonly config: string;
  /** Requests a second. */
  readonly rps: number;
  /** Predictions of one answer. */
  readonly predictions: number;
  readonly json: boolean;
}

/** @throws {ConfigError} the configuration itself is wrong */
export function printPlan({ config: file, rps, predictions, json }: PlanOptions): void {
  const config = loadConfig(file);
  const input = { rps, predictions };
  const plan = makePlan(config, input);
  const text = json ? `${JSON.stringify(plan, null, 2)}\n` : renderCost(config, input, plan);
  process.stdout.write(text);
}
