/** `understudy verdict`: the verdict of candidates, for people and for pipelines. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnalysisStatus } from '../../analysis/analysis-messages.ts';
import { readVerdicts } from '../../analysis/read-verdicts.ts';
import type { VerdictSummary } from '../../analysis/summary.ts';
import type { Verdict } from '../../analysis/verdict.ts';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { AdminApi, type InstanceOptions } from './instance.ts';
import { renderVerdicts, type VerdictFormat } from './render-verdict.ts';

export interface VerdictOptions extends InstanceOptions {
  /** All candidates where it is missing. */
  readonly candidate?: string;
  /** Waits until no verdict is CONTINUE. */
  readonly wait: boolean;
  readonly format: VerdictFormat;
  /** Data folder, where no instance is running. */
  readonly data?: string;
}

/** Exit codes: of several candidates, the worst. 1 and 2 are those of every command. */
export const VERDICT_EXIT: Readonly<Record<Verdict, number>> = {
  PASS: 0,
  FAIL: 10,
  INVALID: 11,
  INCONCLUSIVE: 12,
  CONTINUE: 13,
};

/** The worst first. */
const ORDER: readonly Verdict[] = ['FAIL', 'INVALID', 'INCONCLUSIVE', 'CONTINUE', 'PASS'];

/**
 * Prints verdicts.
 *
 * @returns the exit code: VERDICT_EXIT
 * @throws {UnderstudyError} `UND_USAGE` no such candidate; `UND_ADMIN_…` as `status`; what the analysis waits for
 */
export async function printVerdict(options: VerdictOptions): Promise<number> {
  const read = await createReader(options);
  for (;;) {
    const verdicts = chosen(await read(), options.candidate);
    const isOpen = verdicts.some(({ verdict }) => verdict === 'CONTINUE');
    if (!options.wait || !isOpen) {
      process.stdout.write(renderVerdicts(verdicts, options.format));
      return exitCode(verdicts);
    }
    await sleep(LIMITS.verdictPollMs);
  }
}

/** @returns the code of the worst verdict; that of CONTINUE where there is none */
export function exitCode(verdicts: readonly VerdictSummary[]): number {
  const worst = ORDER.find((verdict) => verdicts.some((each) => each.verdict === verdict));
  return VERDICT_EXIT[worst ?? 'CONTINUE'];
}

async function createReader(options: VerdictOptions): Promise<() => Promise<AnalysisStatus>> {
  const { data } = options;
  if (data !== undefined) return async () => readVerdicts(resolve(data));
  const api = await AdminApi.find(options);
  return () => api.get<AnalysisStatus>('/v1/verdicts');
}

function chosen(status: AnalysisStatus, candidate: string | undefined): VerdictSummary[] {
  if (status.error !== '') throw new UnderstudyError(status.error, status.message);
  const verdicts = status.verdicts.filter(
    (each) => (candidate ?? each.candidate) === each.candidate,
  );
  if (candidate === undefined || verdicts.length > 0) return verdicts;
  const names = status.verdicts.map((each) => each.candidate).join(', ');
  throw new UnderstudyError(
    'UND_USAGE',
    `No candidate ${candidate} is judged; there are: ${names}.`,
  );
}
