/** What `GET /v1/status` answers: the instance in one document, without the cells behind its sums. */
import type { Settings } from '../config/types.ts';
import type { CandidateStatus, MirrorStatus } from '../record/mirror-status.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';
import type { InstanceStatus, ProcessStatus } from './instance-status.ts';
import { buildWaterfall, type Waterfall } from './waterfall.ts';

export interface StatusReport {
  readonly instance: string;
  readonly experiment: string;
  readonly settings: Settings;
  /** Processes that answered. */
  readonly processes: readonly Pick<
    ProcessStatus,
    'process' | 'name' | 'pid' | 'version' | 'uptimeMs' | 'settingsVersion'
  >[];
  readonly waterfall: Waterfall;
  readonly gateways: readonly Omit<GatewayStatus, 'cells'>[];
  /** `null` while the mirror does not answer. */
  readonly mirror: Omit<MirrorStatus, 'legs' | 'epochs' | 'candidates'> | null;
  readonly candidates: readonly CandidateStatus[];
}

export function toStatusReport(
  config: { readonly instance: string; readonly experiment: string },
  settings: Settings,
  status: InstanceStatus,
): StatusReport {
  const { gateways, mirror } = status;
  return {
    instance: config.instance,
    experiment: config.experiment,
    settings,
    processes: status.processes.map(
      ({ process, name, pid, version, uptimeMs, settingsVersion }) => ({
        process,
        name,
        pid,
        version,
        ...(uptimeMs === undefined ? {} : { uptimeMs }),
        ...(settingsVersion === undefined ? {} : { settingsVersion }),
      }),
    ),
    waterfall: buildWaterfall(gateways, mirror),
    gateways: gateways.map(({ cells: _, ...rest }) => rest),
    mirror: mirror === null ? null : withoutCells(mirror),
    candidates: mirror?.candidates ?? [],
  };
}

function withoutCells(mirror: MirrorStatus): Omit<MirrorStatus, 'legs' | 'epochs' | 'candidates'> {
  const { legs: _legs, epochs: _epochs, candidates: _candidates, ...rest } = mirror;
  return rest;
}
