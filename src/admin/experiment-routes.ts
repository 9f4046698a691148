/**
 * Verdicts and experiments over HTTP.
 *
 *   GET  /v1/verdicts      AnalysisStatus: the verdict of each candidate's present attempt
 *   GET  /v1/experiments   AttemptRow[]: the newest attempts, oldest first
 *   POST /v1/experiments   { action: "start" | "close", candidate, reason } → the same
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type {
  AnalysisStatus,
  AttemptRow,
  ExperimentRequest,
} from '../analysis/analysis-messages.ts';
import { UnderstudyError } from '../errors.ts';
import { parseObject, parseReason } from './settings-patch.ts';
import type { Operator, SettingsStore } from './settings-store.ts';

/** What the API needs of the analysis. */
export interface AnalysisPort {
  readonly status: AnalysisStatus;
  readonly attempts: readonly AttemptRow[];
  ask(request: ExperimentRequest): Promise<boolean>;
}

const KEYS = new Set(['action', 'candidate', 'reason']);

export function addExperimentRoutes(
  app: FastifyInstance,
  options: {
    readonly analysis: AnalysisPort | null;
    readonly candidates: readonly string[];
    readonly operatorOf: (request: FastifyRequest) => Operator;
    /** Where it is told who did what, before it is done. */
    readonly audit: Pick<SettingsStore, 'note'>;
  },
): void {
  const { candidates, operatorOf, audit } = options;
  const analysis = (): AnalysisPort => {
    if (options.analysis !== null) return options.analysis;
    throw new UnderstudyError(
      'UND_ANALYSIS_OFF',
      'Nothing is analysed: analysis.enabled is false.',
    );
  };
  app.get('/v1/verdicts', async () => analysis().status);
  app.get('/v1/experiments', async () => analysis().attempts);
  app.post('/v1/experiments', async (request) => {
    if (typeof request.body !== 'string') {
      throw new UnderstudyError('UND_API_MEDIA_TYPE', 'Send a body, as application/json.');
    }
    const change = parseChange(request.body, candidates);
    const operator = { ...operatorOf(request), reason: change.reason };
    const what = `attempt ${change.action} of ${change.candidate}`;
    analysis();
    audit.note(what, 'api', operator);
    if (await analysis().ask({ ...change, by: operator.by })) return analysis().attempts;
    audit.note(what, 'failed', operator);
    const { error, message } = analysis().status;
    throw new UnderstudyError(
      'UND_ANALYSIS_STORE',
      error === ''
        ? `Nothing has changed: ${change.candidate} has no attempt to ${change.action}.`
        : `Nothing has changed: ${error}: ${message}.`,
    );
  });
}

/** @throws {UnderstudyError} as `parseSettingsPatch` */
function parseChange(text: string, candidates: readonly string[]): Omit<ExperimentRequest, 'by'> {
  const { action, candidate, reason } = parseObject(text, KEYS);
  if (action !== 'start' && action !== 'close') {
    throw new UnderstudyError('UND_API_FIELD', 'action must be start or close.');
  }
  if (typeof candidate !== 'string' || !candidates.includes(candidate)) {
    const names = candidates.join(', ');
    throw new UnderstudyError(
      'UND_API_CANDIDATE',
      `There is no such candidate; there are: ${names}.`,
    );
  }
  return { action, candidate, reason: parseReason(reason) };
}
