/** Traffic whose outcomes are known, and a rig that judges by them. */

import { createRandom } from '../../../bench/simulate/random.ts';
import type { LabelEntry } from '../../../src/analysis/labels/label-entry.ts';
import type { Pair } from '../../../src/pair/pair.ts';
import { JournalRig, rigConfig } from '../journal-rig.ts';
import { pairOf, START_MS } from '../pairs.ts';

/** One request: what happened, and what both models say of it. */
export interface Case {
  readonly pair: Pair;
  readonly positive: boolean;
}

export interface Models {
  /** Chance to flag a positive and a negative. */
  readonly recall: number;
  readonly falsePositives: number;
}

/** Threshold of both models' own labels. */
const OWN = 0.5;

/**
 * A tenth of requests is positive. Both models score by the same noise where `shared`, so that they differ little; a
 * score lies above 0.5 with the chance that its model says.
 */
export function cases(
  n: number,
  of: {
    readonly seed: number;
    readonly incumbent: Models;
    readonly candidate: Models;
    readonly shared?: number;
  },
): Case[] {
  const random = createRandom(of.seed);
  const score = (models: Models, positive: boolean, u: number): number => {
    const chance = positive ? models.recall : models.falsePositives;
    // u < chance: in (0.5, 1]; else in [0, 0.5).
    return u < chance ? 1 - (u / chance) * OWN : OWN - ((u - chance) / (1 - chance)) * OWN;
  };
  return Array.from({ length: n }, (_, seq) => {
    const positive = random() < 0.1;
    const u = random();
    const v = random() < (of.shared ?? 0.8) ? u : random();
    const side = (s: number) => ({ score: s, label: s > OWN ? 'bad' : 'good' });
    const pair = pairOf({
      seq,
      incumbent: side(score(of.incumbent, positive, u)),
      candidate: side(score(of.candidate, positive, v)),
      change: { join: `loan-${seq}` },
    });
    return { pair, positive };
  });
}

export function labelsOf(all: readonly Case[], atMs: number | null = START_MS): LabelEntry[] {
  return all.map(({ pair, positive }) => {
    return { key: pair.join ?? '', label: positive ? 'bad' : 'good', atMs };
  });
}

const OPEN = '{ labelFlips: null, scoreBias: null, scoreDifference: null }';

/** Judges quality alone, ten seconds after each pair. */
export function outcomeRig(labels = ''): JournalRig {
  const rig = new JournalRig();
  const analysis = `{ profile: demo, margins: ${OPEN}, labels: { positive: bad, negative: good, maturityMs: 10000 ${labels} } }`;
  rig.config = rigConfig(rig.folder, analysis);
  return rig;
}
