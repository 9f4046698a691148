import { describe, expect, it } from 'vitest';
import { addLabelRoutes } from '../../src/admin/label-routes.ts';
import type { LabelsAnswer } from '../../src/analysis/analysis-messages.ts';
import type { LabelEntry } from '../../src/analysis/labels/label-entry.ts';
import { LABELS_DEFAULTS } from '../../src/config/analysis-defaults.ts';
import { LIMITS } from '../../src/config/defaults.ts';
import { routesApp } from './routes-app.ts';

const COUNTS = { added: 1, corrected: 0, unchanged: 0, outdated: 0 };
const LABELS = { ...LABELS_DEFAULTS, positive: 'bad', negative: 'good' };

function start(
  answer: LabelsAnswer = { counts: COUNTS },
  of: { isOn?: boolean; isSet?: boolean } = {},
) {
  const taken: LabelEntry[] = [];
  const app = routesApp();
  const takeLabels = async (entries: readonly LabelEntry[]): Promise<LabelsAnswer> => {
    taken.push(...entries);
    return answer;
  };
  addLabelRoutes(app, {
    analysis: of.isOn === false ? null : { takeLabels },
    labels: of.isSet === false ? null : LABELS,
  });
  const post = (body: unknown) =>
    app.inject({
      ...{ method: 'POST', url: '/v1/labels' },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  return { app, taken, post };
}

describe('outcomes over HTTP', () => {
  it('hands them on, and says what is accepted', async () => {
    const { app, taken, post } = start();
    const labels = [
      { key: 'a', label: 'bad', at: '2026-11-01T00:00:00Z' },
      { key: 7, label: 'good' },
    ];
    const answer = await post({ labels });
    expect([answer.statusCode, answer.json()]).toEqual([200, COUNTS]);
    expect(taken).toEqual([
      { key: 'a', label: 'bad', atMs: Date.parse('2026-11-01T00:00:00Z') },
      { key: '7', label: 'good', atMs: null },
    ]);
    const info = { positive: 'bad', negative: 'good', batch: LIMITS.labelBatch };
    expect((await app.inject('/v1/labels')).json()).toEqual(info);
  });

  it.each([
    ['{"labels":[]}', 400, 'UND_API_FIELD'],
    ['{"labels":{"a":"bad"}}', 400, 'UND_API_FIELD'],
    ['{"labels":[{"key":"a","label":"Bad"}]}', 400, 'UND_API_FIELD'],
    ['{"labels":[{"key":"a","label":"bad","why":1}]}', 400, 'UND_API_FIELD'],
    ['{"labels":[{"key":12345678901234567891,"label":"bad"}]}', 400, 'UND_API_FIELD'],
    ['{"labels":[{"key":"a","label":"bad"},null]}', 400, 'UND_API_FIELD'],
    ['{"labels":[{"key":"a","label":"bad","label":"good"}]}', 400, 'UND_API_JSON'],
    [
      JSON.stringify({ labels: Array(1_001).fill({ key: 'a', label: 'bad' }) }),
      400,
      'UND_API_FIELD',
    ],
    [JSON.stringify({ labels: [{ key: 'x'.repeat(1_100_000) }] }), 400, 'UND_API_TOO_LARGE'],
  ])('takes none where one is wrong: %.60s', async (body, status, code) => {
    const { taken, post } = start();
    const answer = await post(body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(taken).toEqual([]);
  });

  it('names the place of what is wrong', async () => {
    const answer = await start().post('{"labels":[{"key":"a","label":"bad"},{"key":"b"}]}');
    expect(answer.json().detail).toMatch(/^labels\[1\]: label is missing/);
  });

  it('says so where nobody judges outcomes, or they cannot be kept', async () => {
    const body = { labels: [{ key: 'a', label: 'bad' }] };
    expect((await start(undefined, { isSet: false }).post(body)).json()).toMatchObject({
      ...{ status: 409, code: 'UND_LABELS_OFF' },
    });
    expect((await start(undefined, { isOn: false }).post(body)).json().code).toBe(
      'UND_ANALYSIS_OFF',
    );
    const full = start({ code: 'UND_LABELS_FULL', message: 'no room' });
    expect((await full.post(body)).json()).toMatchObject({ status: 409, code: 'UND_LABELS_FULL' });
  });
});
