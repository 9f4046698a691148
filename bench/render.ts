/** A comparison as text: a table a number of connections, and what its suite is about. Pure. */
import type { Comparison } from './compare.ts';
import { pairedP99 } from './paired.ts';
import type { Suite } from './suites.ts';
import { type Round, spreadOf, summarise } from './summary.ts';
import { renderTables } from './table.ts';

export function renderComparison(found: Comparison, connections: readonly number[]): string {
  const tables = connections.flatMap((count) => {
    const own = found.rounds.filter((round) => round.connections === count);
    return own.length === 0 ? [] : [renderOne(count, own, found.suite)];
  });
  return tables.join('\n\n\n');
}

function renderOne(connections: number, rounds: readonly Round[], suite: Suite): string {
  const keys = (bases: Suite['cpuBases']) => bases.map(({ key }) => key);
  const labels = (bases: Suite['cpuBases']) => bases.map(({ label }) => label);
  const bases = { rate: keys(suite.rateBases), cpu: keys(suite.cpuBases) };
  const rows = suite.targets.map(({ key, title }) => ({
    title,
    row: summarise(rounds, key, bases),
  }));
  const table = renderTables(connections, rows, {
    rate: labels(suite.rateBases),
    cpu: labels(suite.cpuBases),
  });
  return suite.name === 'tails' ? `${table}\n\n${renderTails(rounds, suite)}` : table;
}

/** p99 against the first target: mean of the differences inside rounds, and how large it can be. */
function renderTails(rounds: readonly Round[], suite: Suite): string {
  const [first, ...others] = suite.targets;
  const lines = others.map(({ key, title }) => {
    const found = first === undefined ? null : pairedP99(rounds, key, first.key);
    if (found === null) return `${title}: fewer than two quiet rounds`;
    const { baseMs, ownMs, meanMs, upperMs } = found;
    return (
      `${title}: p99 ${ownMs.toFixed(2)} ms against ${baseMs.toFixed(2)} (medians of ` +
      `${found.rounds} rounds), difference ${meanMs.toFixed(2)} ms, with 95 % ≤ ${upperMs.toFixed(2)} ms`
    );
  });
  const shares = rounds.flatMap(({ measurements }) =>
    Object.values(measurements).map(({ generatorShare }) => generatorShare),
  );
  const share = ((spreadOf(shares)?.median ?? 0) * 100).toFixed(0);
  return [...lines, `the load generator used ${share} % of its core (median)`].join('\n');
}
