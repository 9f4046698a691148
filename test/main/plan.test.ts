import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import { MEASURED } from '../../src/main/measured.ts';
import { makePlan } from '../../src/main/plan.ts';
import { renderCost } from '../../src/main/render-cost.ts';
import { httpCandidate, mirrorConfig } from '../mirror/rig.ts';

const DAY_S = 86_400;
const INPUT = { rps: 100, predictions: 1 };

function config(candidate: Parameters<typeof httpCandidate>[1] = {}, part: Partial<Config> = {}) {
  return mirrorConfig([httpCandidate('http://127.0.0.1:9', candidate)], part);
}

describe('makePlan', () => {
  it('counts copies by rate and share, and what caps hold back', () => {
    expect(makePlan(config({ rate: 0.25 }), INPUT).candidates).toMatchObject([
      { name: 'cand', asked: 25, most: 25, sent: 25, latencyMsMax: 320 },
    ]);
    expect(makePlan(config({ maxRequestsPerSecond: 10 }), INPUT).candidates[0]?.sent).toBe(10);
    const daily = makePlan(config({ maxRequestsPerDay: DAY_S }), INPUT);
    expect(daily.candidates[0]?.sent).toBe(1);
    const [route] = config().routes;
    if (route === undefined) throw new Error('no route');
    const rule = { id: 'gold', header: '', pointer: '/tier', equals: ['gold'], share: 1 };
    const sampling = { key: '', keyHeader: '', share: 0.01, rules: [rule] };
    const sampled = makePlan(config({}, { routes: [{ ...route, sampling }] }), INPUT);
    expect(sampled.candidates[0]).toMatchObject({ asked: 1, most: 100 });
  });

  it('adds up journal and Kafka, and says when the cap is reached', () => {
    const plan = makePlan(config(), INPUT);
    const perDay = (MEASURED.pairBytes.value + MEASURED.journalExtraBytes.value) * 100 * DAY_S;
    expect(plan.journalBytesPerDay).toBe(perDay);
    expect(plan.kafkaBytesPerSecond).toBe(0);
    const { journal } = config();
    expect(plan.daysUntilJournalCap).toBeCloseTo(journal.maxBytes / perDay, 10);
    const roomy = { ...journal, maxBytes: 2 * perDay };
    expect(makePlan(config({}, { journal: roomy }), INPUT)).toMatchObject({
      daysUntilJournalCap: null,
      journalBytesHeld: perDay,
    });
  });

  it('is told in words, with each constant and where it was measured', () => {
    const text = renderCost(config(), INPUT, makePlan(config(), INPUT));
    expect(text).toMatch(/candidate cand +100 copies\/s; keeps up while it answers within 80 ms/);
    expect(text).toMatch(
      /journal +8\.6 GiB a day; the cap of 4 GiB is reached in 11\.1 hours, before/,
    );
    expect(text).toMatch(/^ +113 MiB of a gateway that holds nothing$/m);
    for (const { unit, where } of Object.values(MEASURED)) {
      expect(text).toContain(unit.replace(/^bytes /, ''));
      expect(text).toContain(where);
    }
  });
});
