/**
 * Ranks from 1, ties sharing their mean rank.
 *
 * @param values - finite numbers
 * @returns one rank each, in the order given; multiples of 1/2, so sums of them are exact
 */
export function midranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => at(values, i) - at(values, j));
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && at(values, order[to]) === at(values, order[from])) to += 1;
    for (let i = from; i < to; i++) ranks[order[i] as number] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

function at(values: readonly number[], i: number | undefined): number {
  return values[i as number] as number;
}
