/**
 * Outcomes over HTTP.
 *
 *   GET  /v1/labels   what is accepted: LabelsInfo
 *   POST /v1/labels   { labels: [{ key, label, at? }] } → LabelCounts; all of them are taken or none
 */
import type { FastifyInstance } from 'fastify';
import type { LabelsAnswer } from '../analysis/analysis-messages.ts';
import { type AcceptedLabels, checkEntry } from '../analysis/labels/check-entry.ts';
import type { LabelEntry } from '../analysis/labels/label-entry.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { parseObject } from './settings-patch.ts';

/** What the API needs of the analysis. */
export interface LabelPort {
  takeLabels(entries: readonly LabelEntry[]): Promise<LabelsAnswer>;
}

/** What `labels import` needs to know before it begins. */
export interface LabelsInfo extends AcceptedLabels {
  /** Entries of one request. */
  readonly batch: number;
}

const KEYS = new Set(['labels']);
const ENTRY_KEYS = new Set(['key', 'label', 'at']);

export function addLabelRoutes(
  app: FastifyInstance,
  options: { readonly analysis: LabelPort | null; readonly labels: Config['analysis']['labels'] },
): void {
  const accepted = (): AcceptedLabels => {
    if (options.analysis === null) {
      const message = 'Nothing is analysed: analysis.enabled is false.';
      throw new UnderstudyError('UND_ANALYSIS_OFF', message);
    }
    if (options.labels !== null) return options.labels;
    const message = 'No outcomes are judged: set analysis.labels, with positive and negative.';
    throw new UnderstudyError('UND_LABELS_OFF', message);
  };
  app.get('/v1/labels', async (): Promise<LabelsInfo> => {
    const { positive, negative } = accepted();
    return { positive, negative, batch: LIMITS.labelBatch };
  });
  app.post('/v1/labels', { bodyLimit: LIMITS.labelBodyBytes }, async (request) => {
    const labels = accepted();
    if (typeof request.body !== 'string') {
      throw new UnderstudyError('UND_API_MEDIA_TYPE', 'Send a body, as application/json.');
    }
    const entries = parseEntries(request.body, labels);
    const answer = await options.analysis?.takeLabels(entries);
    if (answer === undefined) throw new UnderstudyError('UND_ANALYSIS_OFF', 'Nothing is analysed.');
    if ('counts' in answer) return answer.counts;
    throw new UnderstudyError(answer.code, `No outcome was taken: ${answer.message}`);
  });
}

/** @throws {UnderstudyError} `UND_API_JSON`, `UND_API_FIELD` with the place in the list */
function parseEntries(text: string, accepted: AcceptedLabels): LabelEntry[] {
  const { labels } = parseObject(text, KEYS);
  if (!Array.isArray(labels) || labels.length === 0 || labels.length > LIMITS.labelBatch) {
    const message = `labels must be a list of 1 to ${LIMITS.labelBatch} outcomes.`;
    throw new UnderstudyError('UND_API_FIELD', message);
  }
  const nowMs = Date.now();
  return labels.map((value: unknown, i) => {
    const problem = (what: string): UnderstudyError =>
      new UnderstudyError('UND_API_FIELD', `labels[${i}]: ${what}. No outcome was taken.`);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw problem('it must be an object with key, label and, where it is known, at');
    }
    const unknown = Object.keys(value).find((key) => !ENTRY_KEYS.has(key));
    if (unknown !== undefined) throw problem(`unknown key ${JSON.stringify(unknown.slice(0, 80))}`);
    const entry = checkEntry(value, accepted, nowMs);
    if (typeof entry === 'string') throw problem(entry);
    return entry;
  });
}
