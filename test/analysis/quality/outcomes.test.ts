import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { LabelEntry } from '../../../src/analysis/labels/label-entry.ts';
import { AnalysisStore } from '../../../src/analysis/store.ts';
import { analysisPath } from '../../../src/analysis/store-file.ts';
import type { VerdictSummary } from '../../../src/analysis/summary.ts';
import { contentOf, type JournalRig } from '../journal-rig.ts';
import { START_MS } from '../pairs.ts';
import { type Case, cases, labelsOf, outcomeRig } from './outcomes.ts';

const LATER_MS = START_MS + 1_000_000;
const SAME = { recall: 0.7, falsePositives: 0.1 } as const;

/** Outcomes into the file, as the admin process takes them, while nobody else has it. */
function take(rig: JournalRig, entries: readonly LabelEntry[], nowMs = LATER_MS) {
  const store = AnalysisStore.open(rig.config.dataDir);
  const counts = store.takeLabels(entries, nowMs);
  store.end();
  return counts;
}

/** Pairs first, then outcomes, then the verdict. */
function judged(rig: JournalRig, all: readonly Case[], labels = labelsOf(all)): VerdictSummary {
  rig.start();
  rig.write(all.map(({ pair }) => pair));
  rig.read(LATER_MS);
  rig.stop();
  take(rig, labels);
  rig.start(LATER_MS);
  return rig.read(LATER_MS + 1);
}

function stateOf(verdict: VerdictSummary, kind: string): string | undefined {
  return verdict.evidence.find(({ guardrail }) => guardrail === kind)?.state;
}

describe('quality against outcomes', () => {
  it('passes a model that decides the same, once outcomes are there', () => {
    const all = cases(12_000, { seed: 1, incumbent: SAME, candidate: SAME, shared: 1 });
    const rig = outcomeRig();
    rig.start();
    rig.write(all.map(({ pair }) => pair));
    const before = rig.read(LATER_MS);
    expect(before).toMatchObject({ verdict: 'CONTINUE', outcomes: { known: 0, mature: 12_000 } });
    expect(before.gates.map(({ reason }) => reason)).toEqual(['outcomes_unknown']);
    rig.stop();
    take(rig, labelsOf(all));
    rig.start(LATER_MS);
    const verdict = rig.read(LATER_MS + 1);
    expect(verdict).toMatchObject({
      verdict: 'PASS',
      outcomes: { known: 12_000, leastCoverage: 1 },
    });
    expect(verdict.evidence.map(({ sentence }) => sentence)).toContainEqual(
      expect.stringMatching(
        /^recall lower by ≤ [\d.]+ points with 95 % confidence on 1,\d+ bad outcomes, limit 2 points$/,
      ),
    );
  });

  it('fails a model that catches less, and says so', () => {
    const candidate = { recall: 0.55, falsePositives: 0.1 };
    const all = cases(12_000, { seed: 2, incumbent: SAME, candidate });
    const verdict = judged(outcomeRig(), all);
    expect(verdict.verdict).toBe('FAIL');
    expect(verdict.drivers).toContainEqual(
      expect.stringMatching(
        /^recall lower by 1\d(\.\d)? points on [\d,]+ bad outcomes: over its limit/,
      ),
    );
  });

  it('fails a model with more false alarms', () => {
    const candidate = { recall: 0.7, falsePositives: 0.14 };
    const all = cases(12_000, { seed: 3, incumbent: SAME, candidate });
    const margins = ', margins: { recall: null, brier: null }';
    const verdict = judged(outcomeRig(margins), all);
    expect(stateOf(verdict, 'false_positive_rate')).toBe('fail');
  });

  it('judges nothing before its time: a pair counts when it is mature', () => {
    const all = cases(6_000, { seed: 4, incumbent: SAME, candidate: SAME });
    const rig = outcomeRig();
    take(rig, labelsOf(all));
    rig.start();
    rig.write(all.map(({ pair }) => pair));
    // Cuts are closed up to 60 s: pairs of the first 50 s are mature then.
    expect(rig.read(START_MS + 68_000).outcomes).toMatchObject({ mature: 5_000, known: 5_000 });
    expect(rig.read(LATER_MS).outcomes).toMatchObject({ mature: 6_000 });
  });
});

describe('fewer false positives at the incumbent’s recall', () => {
  const ASKED =
    ', fewerFalsePositives: 0.1, calibrationPositives: 150, margins: { recallAtThreshold: 0.1, recall: null, falsePositiveRate: null }';

  it('says yes to a model that ranks better, at a threshold chosen on other keys', () => {
    // At its own labels it flags as much; its scores tell positives and negatives apart far better.
    const candidate = { recall: 0.85, falsePositives: 0.04 };
    const all = cases(24_000, { seed: 5, incumbent: SAME, candidate });
    const verdict = judged(outcomeRig(ASKED), all);
    expect(verdict.headline).toMatchObject({
      question: 'Is next 10 % better on false positives, under 50 ms?',
      answer: 'yes',
    });
    expect(verdict.headline?.parts[0]?.sentence).toMatch(
      /^10 % fewer false positives at the incumbent’s recall: shown with 95 % confidence; it has [\d.]+ % fewer \(95 % interval [\d.]+ % fewer to [\d.]+ % fewer\)$/,
    );
    expect(verdict.verdict).toBe('PASS');
    expect(verdict.outcomes?.threshold).toBeGreaterThan(0);
  });

  it('says no to one that ranks worse', () => {
    const candidate = { recall: 0.7, falsePositives: 0.16 };
    const all = cases(24_000, { seed: 6, incumbent: SAME, candidate });
    expect(judged(outcomeRig(ASKED), all)).toMatchObject({
      verdict: 'FAIL',
      headline: { answer: 'no' },
    });
  });

  it('says no where it is fast enough in no way: latency is part of the question', () => {
    const candidate = { recall: 0.85, falsePositives: 0.04 };
    const all = cases(24_000, { seed: 5, incumbent: SAME, candidate }).map((each) => ({
      ...each,
      pair: { ...each.pair, candidate: { ...each.pair.candidate, latency_ms: 80 } },
    }));
    const { headline } = judged(outcomeRig(ASKED), all);
    expect(headline?.answer).toBe('no');
    expect(headline?.parts.find(({ state }) => state === 'fail')?.sentence).toContain('over 50 ms');
  });

  it('does not know while too few positives choose the threshold', () => {
    const all = cases(3_500, { seed: 7, incumbent: SAME, candidate: SAME });
    const verdict = judged(outcomeRig(ASKED), all);
    expect(verdict.headline?.answer).toBe('open');
    expect(verdict.gates.map(({ reason }) => reason)).toContain('threshold_not_chosen');
    expect(verdict.outcomes?.threshold).toBeNull();
  });
});

describe('outcomes that are missing', () => {
  it('tells no point where only accepted requests have one, and never passes on it', () => {
    // The candidate accepts many that the incumbent declines: of these nobody knows what happens.
    const candidate = { recall: 0.5, falsePositives: 0.05 };
    const all = cases(12_000, { seed: 8, incumbent: SAME, candidate });
    const accepted = all.filter(({ pair }) => pair.incumbent.predictions[0]?.label === 'good');
    const verdict = judged(outcomeRig(), all, labelsOf(accepted));
    expect(stateOf(verdict, 'recall')).not.toBe('pass');
    expect(verdict.outcomes?.leastCoverage).toBe(0);
    const recall = verdict.evidence.find(({ guardrail }) => guardrail === 'recall');
    expect(recall?.sentence).toContain('judged as if each spoke against it');
    // Of the outcomes that are known alone it looks harmless: that is the trap.
    expect(recall?.mean).toBeLessThanOrEqual(0);
  });

  it('fails all the same where every missing outcome could speak for it', () => {
    const candidate = { recall: 0.3, falsePositives: 0.1 };
    const all = cases(12_000, { seed: 9, incumbent: SAME, candidate });
    const most = all.filter((_, i) => i % 100 < 93);
    const verdict = judged(outcomeRig(), all, labelsOf(most));
    expect(verdict.outcomes?.leastCoverage).toBeLessThan(0.95);
    expect(stateOf(verdict, 'recall')).toBe('fail');
  });

  it('passes all the same where every missing outcome could speak against it', () => {
    const all = cases(20_000, { seed: 10, incumbent: SAME, candidate: SAME, shared: 1 });
    const most = all.filter((_, i) => i % 100 < 93);
    const labels = ', margins: { falsePositiveRate: null }';
    expect(stateOf(judged(outcomeRig(labels), all, labelsOf(most)), 'recall')).toBe('pass');
  });
});

describe('order', () => {
  const all = cases(4_000, {
    seed: 11,
    incumbent: SAME,
    candidate: { recall: 0.6, falsePositives: 0.1 },
  });
  const asked = ', fewerFalsePositives: 0.1, calibrationPositives: 50';

  /** All that is judged, and the two tables that it is made of. */
  function told(rig: JournalRig): string {
    const { attempt, hash, startedAt, reason, startedBy, ...rest } = rig.verdict();
    rig.stop();
    const db = new DatabaseSync(analysisPath(rig.config.dataDir), { readOnly: true });
    const tables = ['labels', 'outcomes'].map((name) => db.prepare(`SELECT * FROM ${name}`).all());
    db.close();
    return JSON.stringify([rest, tables]) + contentOf(rig).replace(/"generation[^}]*/g, '');
  }

  it('does not matter: outcomes before pairs, after them, both, twice, or corrected', () => {
    const right = labelsOf(all, START_MS + 5);
    const wrong = right.map((entry, i) => ({
      ...entry,
      atMs: START_MS + 1,
      label: i % 7 === 0 ? (entry.label === 'bad' ? 'good' : 'bad') : entry.label,
    }));
    const pairs = all.map(({ pair }) => pair);
    const half = Math.floor(all.length / 2);
    const histories: ((rig: JournalRig) => void)[] = [
      (rig) => {
        rig.write(pairs);
        rig.read(LATER_MS);
        rig.stop();
        take(rig, wrong);
        take(rig, right);
      },
      (rig) => {
        rig.stop();
        take(rig, right.toReversed());
        take(rig, wrong);
        rig.start();
        rig.write(pairs);
        rig.read(LATER_MS);
        rig.stop();
      },
      (rig) => {
        rig.write(pairs.slice(0, half));
        rig.read(START_MS + 30_000);
        rig.stop();
        take(rig, [...wrong.slice(half - 500), ...right.slice(0, half + 300)]);
        rig.start(START_MS + 30_000);
        rig.write(pairs.slice(half));
        // Killed before a commit: read again from where the last one stands.
        rig.read(LATER_MS, false);
        rig.start(START_MS + 40_000);
        rig.read(LATER_MS);
        rig.stop();
        for (const part of [right.slice(half), wrong.slice(0, half), right, right]) take(rig, part);
      },
    ];
    const results = histories.map((play) => {
      const rig = outcomeRig(asked);
      rig.start();
      play(rig);
      rig.start(LATER_MS);
      rig.read(LATER_MS + 1);
      return told(rig);
    });
    // Coverage of a cut is kept as it was when the cut was closed: where cuts were closed at other times, so is it.
    const judgedBy = results.map((text) => text.slice(0, text.indexOf(']]]')));
    expect(judgedBy[1]).toBe(judgedBy[0]);
    expect(judgedBy[2]).toBe(judgedBy[0]);
  });

  it('says what became of outcomes, and the same file again changes nothing', () => {
    const rig = outcomeRig();
    const [a, b, c] = labelsOf(all, START_MS) as [LabelEntry, LabelEntry, LabelEntry];
    const other = (entry: LabelEntry): string => (entry.label === 'bad' ? 'good' : 'bad');
    expect(take(rig, [a, b])).toMatchObject({ added: 2, corrected: 0, unchanged: 0, outdated: 0 });
    expect(take(rig, [a, b])).toMatchObject({ added: 0, unchanged: 2 });
    const corrected = { ...a, label: other(a), atMs: START_MS + 1 };
    expect(take(rig, [corrected, b, c])).toMatchObject({ added: 1, corrected: 1, unchanged: 1 });
    expect(take(rig, [a])).toMatchObject({ outdated: 1 });
    // Without a time the last one told counts, within an import too.
    const untimed = [a, { ...a, label: other(a) }].map((entry) => ({ ...entry, atMs: null }));
    take(rig, untimed, LATER_MS + 5);
    const store = AnalysisStore.read(rig.config.dataDir);
    expect(store.labels.size).toBe(3);
    store.end();
    const db = new DatabaseSync(analysisPath(rig.config.dataDir), { readOnly: true });
    expect(db.prepare('SELECT label FROM labels WHERE key = ?').get(a.key)).toEqual({
      label: other(a),
    });
    db.close();
  });
});
