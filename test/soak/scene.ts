/** The soak's instance: candidates that bring each of the mirror's caps to bite, and what must have been seen of it. */
import type { Waterfall } from '../../src/admin/waterfall.ts';
import { startModel } from './peers.ts';

/** A candidate of its own for each thing that can go wrong: names stand in the waterfall. */
export async function configOf(folder: string, exchanges: number): Promise<string> {
  const incumbent = await startModel(() => 0);
  const fast = await startModel((n) => n % 3);
  const hanging = await startModel((n) => (n % 40 === 0 ? null : 5));
  const sick = await startModel(sickness());
  const small = await startModel((n) => n % 20);
  return `runDir: ${folder}/run
dataDir: ${folder}/data
listeners: [{ listen: 127.0.0.1:0, incumbent: http://127.0.0.1:${incumbent} }]
routes: [{ name: score, path: /v1/score }]
candidates:
  - { name: fast, url: http://127.0.0.1:${fast}, maxInFlight: 32 }
  - { name: hanging, url: http://127.0.0.1:${hanging}, timeoutMs: 400, maxInFlight: 8, rate: 0.5 }
  - name: sick
    url: http://127.0.0.1:${sick}
    timeoutMs: 500
    maxRequestsPerSecond: 300
    breaker: { windowMs: 2000, openMs: 500, maxOpenMs: 2000 }
  - name: small
    url: http://127.0.0.1:${small}
    rate: 0.8
    maxInFlight: 32
    maxRequestsPerDay: ${budgetOf(exchanges)}
    adaptive: { latencyMs: 12 }
mirror: { maxQueuedBytes: 8000000, maxQueueAgeMs: 1000 }
journal: { maxBytes: 67108864, retentionMs: 0 }
admin: { listen: 127.0.0.1:0 }
metrics: { listen: 127.0.0.1:0 }
log: { level: warn }
`;
}

/** Copies a day of the candidate `small`, over all lives of the mirror: used up long before the end of any run. */
function budgetOf(exchanges: number): number {
  return Math.ceil(exchanges / 500);
}

const SICK_EVERY_MS = 15_000;
const SICK_FOR_MS = 5_000;

/** Well, then mute for a while: it opens its breaker, and closes it again. */
function sickness(): (n: number) => number | null {
  const startedMs = performance.now();
  return () =>
    (performance.now() - startedMs) % SICK_EVERY_MS < SICK_EVERY_MS - SICK_FOR_MS ? 0 : null;
}

/** From so many exchanges on, all of these must have been seen. */
const FULL_RUN = 1_000_000;
const EXPECTED: readonly (readonly [candidate: string, state: string, reason: string])[] = [
  ['fast', 'paired', ''],
  ['fast', 'not_selected', ''],
  ['fast', 'paused', 'mirror_off'],
  ['fast', 'shed', 'mirror_memory'],
  ['fast', 'lost_in_crash', ''],
  ['hanging', 'candidate_timeout', ''],
  ['hanging', 'shed', 'queue_age'],
  ['sick', 'breaker_open', ''],
  ['sick', 'shed', 'request_rate'],
  ['small', 'shed', 'adaptive_limit'],
  ['small', 'shed', 'daily_budget'],
];

/** What the run was to bring about and has not, in words. */
export function unseenIn(waterfall: Waterfall, exchanges: number): string[] {
  if (exchanges < FULL_RUN) return [];
  const faults: string[] = [];
  for (const [name, state, reason] of EXPECTED) {
    const candidate = waterfall.candidates.find((each) => each.name === name);
    const cell = candidate?.states.find((each) => each.state === state && each.reason === reason);
    if ((cell?.count ?? 0) === 0) faults.push(`never seen: ${name} ${state} ${reason}`.trim());
  }
  const small = waterfall.candidates.find(({ name }) => name === 'small');
  const budget = budgetOf(exchanges);
  if ((small?.observed ?? 0) > budget) {
    faults.push(`small: ${small?.observed} observed, over its budget of ${budget} a day`);
  }
  return faults;
}
