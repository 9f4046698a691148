/**
 * From one configuration to the next while traffic goes on: gateways first, one at a time, each successor
 * accepting before its predecessor drains; then what stands behind them. When a gateway does not come up
 * with the new configuration, those that did go back to the old one, and nothing else has been touched.
 */
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import type { Child, Launch } from './child.ts';
import { LEAVE_SIGNAL } from './process-input.ts';
import type { ProcessPlan } from './process-plan.ts';

/** One process of the next configuration. */
export interface Step {
  readonly plan: ProcessPlan;
  readonly launch: Launch;
  /** It runs already and nothing that it reads has changed. */
  readonly isUnchanged: boolean;
}

export interface RolloutOptions {
  readonly children: readonly Child[];
  readonly steps: readonly Step[];
  /** After so long a gateway that was asked to drain is killed. */
  readonly drainMs: number;
  makeChild(plan: ProcessPlan, launch: Launch): Child;
}

/**
 * @returns the children from now on
 * @throws {UnderstudyError} `UND_RELOAD_FAILED` a gateway did not come up; the children are as before
 */
export async function rollOut(options: RolloutOptions): Promise<Child[]> {
  const { children, steps, drainMs } = options;
  const kept = new Map(children.map((child) => [child.plan.name, child]));
  const gateways = steps.filter(({ plan }) => plan.kind === 'gateway');
  const others = steps.filter(({ plan }) => plan.kind !== 'gateway');
  const made = new Map(
    await rollGateways(gateways, kept, options).then((all) => all.map((c) => [c.plan.name, c])),
  );
  const gone = children.filter(({ plan }) => !steps.some((step) => step.plan.name === plan.name));
  const goneGateways = gone.filter(({ plan }) => plan.kind === 'gateway');
  const goneOthers = gone.filter(({ plan }) => plan.kind !== 'gateway');
  await Promise.all(goneGateways.map((child) => child.stop(drainMs, LEAVE_SIGNAL)));
  if (others.some(({ isUnchanged }) => !isUnchanged) || goneOthers.length > 0) {
    // The last counts and exchanges of those that drain go to a mirror that is still there.
    await Promise.all(gateways.map(({ plan }) => made.get(plan.name)?.drained()));
  }
  await Promise.all(goneOthers.map((child) => child.stop(LIMITS.stopTimeoutMs)));
  for (const { plan, launch, isUnchanged } of others) {
    const child = kept.get(plan.name);
    if (child === undefined) {
      const fresh = options.makeChild(plan, launch);
      fresh.start();
      made.set(plan.name, fresh);
    } else {
      made.set(plan.name, child);
      // What does not come up backstage is tried again and again, and shows in the status.
      if (!isUnchanged) await child.restart(launch, LIMITS.stopTimeoutMs);
    }
  }
  return steps.flatMap(({ plan }) => made.get(plan.name) ?? []);
}

async function rollGateways(
  steps: readonly Step[],
  kept: ReadonlyMap<string, Child>,
  { makeChild, drainMs }: RolloutOptions,
): Promise<Child[]> {
  const result: Child[] = [];
  const undo: (() => Promise<unknown>)[] = [];
  for (const { plan, launch, isUnchanged } of steps) {
    const child = kept.get(plan.name);
    let isUp = true;
    if (child === undefined) {
      const fresh = makeChild(plan, launch);
      undo.push(() => fresh.stop(drainMs, LEAVE_SIGNAL));
      isUp = await fresh.restart(launch, drainMs);
      result.push(fresh);
    } else {
      result.push(child);
      const before = child.launch;
      if (!isUnchanged) isUp = await child.succeed(launch, drainMs);
      if (!isUnchanged && isUp) undo.push(() => child.succeed(before, drainMs));
      // One that did not run before is being tried with the new launch: back to the old one, too.
      else if (child.launch !== before) undo.push(() => child.restart(before, drainMs));
    }
    if (isUp) continue;
    for (const step of undo.reverse()) await step();
    throw new UnderstudyError(
      'UND_RELOAD_FAILED',
      `Gateway ${plan.name} does not come up with the new configuration; the old one stays in force.`,
      { details: { process: plan.name } },
    );
  }
  return result;
}
