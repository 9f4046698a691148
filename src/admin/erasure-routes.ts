/**
 * Erasure of one entity's pairs over HTTP.
 *
 *   POST /v1/erasures   { key, reason } → 202 ErasureAnswer: audited, gone from the analysis, and under way in the
 *                       journal; the mirror's status tells when it is done, under this id
 *
 * The audit has the key's SHA-256: who knows a key can tell that it was erased, and nobody can read it there.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AnalysisStatus } from '../analysis/analysis-messages.ts';
import { UnderstudyError } from '../errors.ts';
import { parseObject, parseReason } from './settings-patch.ts';
import type { Operator, SettingsStore } from './settings-store.ts';

export interface ErasureAnswer {
  /** Of the mirror's erasure. */
  readonly id: string;
  readonly dataDir: string;
}

/** What the API needs of the analysis. */
export interface ErasingAnalysis {
  readonly status: AnalysisStatus;
  /** Resolves with whether it was done. */
  erase(key: string): Promise<boolean>;
}

const FIELDS = new Set(['key', 'reason']);

export function addErasureRoutes(
  app: FastifyInstance,
  options: {
    readonly dataDir: string;
    /** `null`: nothing is analysed. */
    readonly analysis: ErasingAnalysis | null;
    /** Has the mirror begin. Rejects with `UND_STATUS_UNAVAILABLE` where there is none. */
    readonly askMirror: (id: string, key: string) => Promise<void>;
    readonly operatorOf: (request: FastifyRequest) => Operator;
    readonly audit: Pick<SettingsStore, 'note'>;
  },
): void {
  const { dataDir, analysis, askMirror, operatorOf, audit } = options;
  app.post('/v1/erasures', async (request, reply) => {
    if (typeof request.body !== 'string') {
      throw new UnderstudyError('UND_API_MEDIA_TYPE', 'Send a body, as application/json.');
    }
    const { key, reason } = checkErasure(parseObject(request.body, FIELDS));
    const operator = { ...operatorOf(request), reason };
    const what = erasureInWords(key);
    audit.note(what, 'api', operator);
    try {
      if (analysis !== null && !(await analysis.erase(key))) throw analysisError(analysis.status);
      const id = randomBytes(4).toString('hex');
      await askMirror(id, key);
      const answer: ErasureAnswer = { id, dataDir };
      return reply.code(202).send(answer);
    } catch (error) {
      audit.note(what, 'failed', operator);
      throw error;
    }
  });
}

/** As it stands in the audit. */
export function erasureInWords(key: string): string {
  return `erasure of the key with sha256 ${createHash('sha256').update(key).digest('hex')}`;
}

/**
 * A selection key is an exchange id, or `hmac:` and hexadecimal digits.
 *
 * @throws {UnderstudyError} `UND_API_FIELD`, `UND_API_REASON`
 */
export function checkErasure({
  key,
  reason,
}: {
  readonly key?: unknown;
  readonly reason?: unknown;
}): {
  readonly key: string;
  readonly reason: string;
} {
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(key)) {
    const message =
      'key is a selection key as it stands in a pair, 1 to 256 characters without spaces.';
    throw new UnderstudyError('UND_API_FIELD', message);
  }
  return { key, reason: parseReason(reason) };
}

function analysisError({ error, message }: AnalysisStatus): UnderstudyError {
  const why = error === '' ? 'it does not answer' : `${error}: ${message}`;
  return new UnderstudyError('UND_ANALYSIS_STORE', `Nothing was erased: of the analysis, ${why}.`);
}
