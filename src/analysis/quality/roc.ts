/**
 * Receiver operating characteristic of a sample: recall against the false-positive rate, one point for each threshold.
 * Equal scores are one threshold. Pure.
 *
 * Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), algorithm 1.
 */

/** [false-positive rate, recall]. */
export type RocPoint = readonly [number, number];

/** A curve has at most so many points. */
const MOST_POINTS = 101;

/**
 * @param scores - without NaN; @param positive - of each, whether it happened
 * @returns from (0, 0) to (1, 1), both rising; empty where nothing, or everything, happened
 */
export function rocCurve(scores: readonly number[], positive: readonly boolean[]): RocPoint[] {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const positives = positive.filter(Boolean).length;
  const negatives = scores.length - positives;
  if (positives === 0 || negatives === 0) return [];
  const points: RocPoint[] = [[0, 0]];
  let [caught, alarms] = [0, 0];
  for (const [at, i] of order.entries()) {
    if (positive[i] === true) caught += 1;
    else alarms += 1;
    const next = order[at + 1];
    if (next === undefined || scores[next] !== scores[i]) {
      points.push([alarms / negatives, caught / positives]);
    }
  }
  return thinned(points);
}

/** Both ends, and what lies evenly between them. */
function thinned(points: readonly RocPoint[]): RocPoint[] {
  if (points.length <= MOST_POINTS) return [...points];
  const step = (points.length - 1) / (MOST_POINTS - 1);
  return Array.from({ length: MOST_POINTS }, (_, i) => points[Math.round(i * step)] as RocPoint);
}
