import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import type { Pair } from '../../src/pair/pair.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  mirrorConfig,
  type Rig,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

type Route = Config['routes'][number];

/** The pair of two answers, on a route that is read and compared so. */
async function pairOf(
  answers: { readonly ours: string; readonly theirs: string },
  part: { prediction?: Partial<Route['prediction']>; compare?: Partial<Route['compare']> },
): Promise<{ pair: Pair; rig: Rig }> {
  const url = await serveHttp((_request, response) => response.end(answers.theirs));
  const config = mirrorConfig([httpCandidate(url)]);
  const [route] = config.routes;
  if (route === undefined) throw new Error('no route');
  const prediction = { ...route.prediction, ...part.prediction };
  const compare = { ...route.compare, ...part.compare };
  const rig = await startMirror({ ...config, routes: [{ ...route, prediction, compare }] });
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  gateway.offer({ answer: answers.ours });
  await settled(rig, gateway);
  expectBalancedBooks(rig, gateway);
  const [pair] = rig.recorder.pairs;
  if (pair === undefined) throw new Error('no pair');
  return { pair, rig };
}

describe('a pair', () => {
  it('of batches is matched by id, and a length mismatch has its own code and count', async () => {
    const answers = {
      ours: '{"rows":[{"id":1,"score":0.1,"label":"a"},{"id":2,"score":0.2,"label":"b"}]}',
      theirs: '{"rows":[{"id":2,"score":0.2,"label":"x"}]}',
    };
    const { pair, rig } = await pairOf(answers, { prediction: { items: '/rows', id: '/id' } });
    expect(pair.divergence).toMatchObject({
      score_delta_max: 0,
      label_flips: 1,
      fields: ['length', 'unmatched'],
    });
    expect(rig.mirror.status().candidates[0]?.violations).toEqual({ length: 1, unmatched: 1 });
  });

  it('of answers beyond doubles is compared by digits', async () => {
    const answer = (digits: string) => `{"score":${digits},"label":${digits}}`;
    const answers = { ours: answer('9007199254740992'), theirs: answer('9007199254740993') };
    expect((await pairOf(answers, {})).pair).toMatchObject({
      candidate: { predictions: [{ score: 9007199254740992, label: '9007199254740993' }] },
      divergence: { score_delta_max: 1, outside_tolerance: 1, label_flips: 1 },
    });
    const long = {
      ours: '{"score":0.1234567890123456789,"label":"x"}',
      theirs: '{"score":0.1234567890123456788,"label":"x"}',
    };
    const { pair } = await pairOf(long, { compare: { tolerance: 0 } });
    expect(pair.divergence.outside_tolerance).toBe(1);
    expect((await pairOf(long, {})).pair.divergence.outside_tolerance).toBe(0);
  });

  it('of documents names what differs, and no value of it', async () => {
    const answers = {
      ours: '{"decision":"approve","limit":9007199254740993,"meta":{"id":"1"},"old":1}',
      theirs: '{"decision":"decline","limit":9007199254740992,"meta":{"id":"2"},"new":"secret"}',
    };
    const part = {
      prediction: { score: '', label: '' },
      compare: { structure: true, ignore: ['/meta/*'] },
    };
    const { pair } = await pairOf(answers, part);
    expect(pair.divergence.structure).toEqual([
      { at: '/decision', kind: 'value', count: 1 },
      { at: '/limit', kind: 'value', count: 1 },
      { at: '/old', kind: 'missing', count: 1 },
      { at: '/new', kind: 'extra', count: 1 },
    ]);
    expect(JSON.stringify(pair)).not.toMatch(/approve|decline|secret/);
    expect(
      (await pairOf(answers, { prediction: part.prediction })).pair.divergence,
    ).not.toHaveProperty('structure');
  });

  it('of an answer that cannot be read has no document to compare', async () => {
    const { pair } = await pairOf(
      { ours: '{"score":1,"label":"x"}', theirs: '['.repeat(1_000) },
      { compare: { structure: true } },
    );
    expect(pair.candidate.error).toBe('too_deep');
    expect(pair.divergence).not.toHaveProperty('structure');
  });

  it('counts the candidate’s faults where the incumbent has none', async () => {
    const good = '{"score":1,"label":"x"}';
    const { rig } = await pairOf({ ours: good, theirs: '{"score":NaN,"label":"x"}' }, {});
    expect(rig.mirror.status().candidates[0]?.violations).toEqual({
      score_not_a_number: 1,
      missing: 1,
    });
    const both = await pairOf({ ours: '<html>', theirs: '<html>' }, {});
    expect(both.rig.mirror.status().candidates[0]?.violations).toEqual({});
  });
});
