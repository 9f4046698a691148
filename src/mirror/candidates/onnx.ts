/**
 * A candidate that is a model file: its own process (src/model/) answers HTTP on a Unix socket of the run
 * folder. It gets the caller's body as it is; the mapping to the model's inputs is done there.
 */
import type { OnnxCandidateConfig } from '../../config/types.ts';
import type { RunFolder } from '../../telemetry/run-folder.ts';
import type { Candidate, CandidateOutcome } from './candidate.ts';
import { HttpClient } from './http-client.ts';

/** What the model process needs of the caller's headers to read the body. */
const PASSED_HEADERS = new Set(['content-type', 'content-encoding']);

/** The path that a model process answers. */
const SCORE_PATH = '/score';

/**
 * Outcomes are those of the HTTP client, but one: while the process is not there, or has no model (its 503),
 * the outcome is `error(model_down)`, never a pair with a 503 that no model has given.
 *
 * @param config - read once; the model's own part of it is for the model process
 */
export function createOnnxCandidate(config: OnnxCandidateConfig, folder: RunFolder): Candidate {
  const client = new HttpClient({
    origin: 'http://model',
    socketPath: folder.modelSocket(config.name),
    timeoutMs: config.timeoutMs,
    maxInFlight: config.maxInFlight,
    maxAnswerBytes: config.maxAnswerBytes,
  });
  return {
    name: config.name,
    dispatch(request, done) {
      const headers = request.headers.filter(([name]) => PASSED_HEADERS.has(name)).flat();
      const call = { method: 'POST', path: SCORE_PATH, headers, body: request.body };
      client.dispatch(call, (outcome) => done(toModelDown(outcome)));
    },
    close: () => client.close(),
  };
}

function toModelDown(outcome: CandidateOutcome): CandidateOutcome {
  const isAbsent = outcome.kind === 'error' && outcome.reason === 'refused';
  const hasNoModel = outcome.kind === 'answer' && outcome.status === 503;
  if (!isAbsent && !hasNoModel) return outcome;
  return { kind: 'error', reason: 'model_down', endMs: outcome.endMs };
}
