/** Which processes a role has, in the order in which they are stopped. */
import type { Config } from '../config/types.ts';
import type { EntryName } from './entry.ts';

/** `all` on one machine; `gateway` and `backstage` as two services that share the run folder. */
export type Role = 'all' | 'gateway' | 'backstage';

export const ROLES: readonly Role[] = ['all', 'gateway', 'backstage'];

/** What stands between callers and the incumbent, and what does not. */
export type ProcessKind = 'gateway' | 'mirror' | 'admin' | 'model';

/** One process to keep alive. */
export interface ProcessPlan {
  /** `gw0`, `mirror`, `admin`, `model-NAME`: also the name of its status socket. */
  readonly name: string;
  readonly kind: ProcessKind;
  readonly entry: EntryName;
}

/** Gateways are stopped first, so that their last exchanges still reach the mirror; models last. */
export const STOP_ORDER: readonly ProcessKind[] = ['gateway', 'mirror', 'admin', 'model'];

/** The processes of a role. */
export function processesOf(
  config: Pick<Config, 'gateway' | 'candidates'>,
  role: Role,
): readonly ProcessPlan[] {
  const gateways = Array.from({ length: config.gateway.processes }, (_, i): ProcessPlan => {
    return { name: `gw${i}`, kind: 'gateway', entry: 'gateway' };
  });
  const models = config.candidates
    .filter((candidate) => candidate.kind === 'onnx')
    .map(({ name }): ProcessPlan => ({ name: `model-${name}`, kind: 'model', entry: 'model' }));
  const backstage: ProcessPlan[] = [
    { name: 'mirror', kind: 'mirror', entry: 'mirror' },
    { name: 'admin', kind: 'admin', entry: 'admin' },
    ...models,
  ];
  if (role === 'gateway') return gateways;
  return role === 'backstage' ? backstage : [...gateways, ...backstage];
}
