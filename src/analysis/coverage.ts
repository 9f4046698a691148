/** Coverage at a cut, from the counts as they are known when it is closed. Pure. */
import type { CoverageCell, CoverageCounts } from './coverage-cells.ts';
import type { Attempt } from './store.ts';
import type { Coverage, CoveragePart } from './verdict.ts';

const HOUR_MS = 3_600_000;

export interface CutFacts {
  /** Unix ms. */
  readonly cutMs: number;
  readonly cells: readonly CoverageCell[];
  /** Copies whose pairs left the journal before they were read. */
  readonly missed: number;
  /** Pairs of each named segment up to the cut, in the order of the plan. */
  readonly segmentPairs: readonly number[];
  /** Coverage at the cut a window earlier; `undefined`: there is none. */
  readonly windowBefore: Coverage | undefined;
}

/**
 * What is kept of a cut: all, each named segment, route and size class, and its last hour. Earlier hours stand with
 * earlier cuts: {@link coverageAt} puts them together.
 *
 * A loss whose segment is not known is charged to every segment.
 */
export function closeCut({ plan, baseline }: Attempt, facts: CutFacts): Coverage {
  const { cutMs, segmentPairs, windowBefore } = facts;
  const since = Math.floor(Date.parse(plan.startedAt) / HOUR_MS);
  const lastHour = Math.ceil(cutMs / HOUR_MS) - 1;
  const cells = [
    ...facts.cells.filter(({ hour }) => hour === 0 || (hour >= since && hour <= lastHour)),
    ...baseline.map(negative),
  ];
  const all = sum('', cells, facts.missed);
  const { breakerOpen } = all;
  const named = plan.segments.map(({ name }, i) => {
    return { part: `segment ${name}`, observed: segmentPairs[i] ?? 0, lost: all.lost };
  });
  const parts = [
    toPart(all),
    ...named,
    ...groups(cells, ({ route }) => `route ${route}`),
    // Accounts of a topic know no size classes.
    ...groups(
      cells.filter(({ sizeClass }) => sizeClass !== ''),
      ({ sizeClass }) => `size ${sizeClass}`,
    ),
    ...groups(
      cells.filter(({ hour }) => hour === lastHour),
      ({ hour }) => hourPart(hour),
    ),
  ];
  return {
    parts,
    breakerOpen,
    breakerOpenLately: Math.max(0, breakerOpen - (windowBefore?.breakerOpen ?? 0)),
  };
}

/** @param cuts - closed ones, by cut, in order: each with the hours of those before it */
export function coverageAt(cuts: ReadonlyMap<number, Coverage>): (cutMs: number) => Coverage {
  const hours = new Map<string, CoveragePart>();
  const whole = new Map<number, Coverage>();
  for (const [cutMs, coverage] of cuts) {
    const others = coverage.parts.filter(({ part }) => !part.startsWith('hour '));
    for (const part of coverage.parts)
      if (part.part.startsWith('hour ')) hours.set(part.part, part);
    whole.set(cutMs, { ...coverage, parts: [...others, ...hours.values()] });
  }
  return (cutMs) => whole.get(cutMs) ?? { parts: [], breakerOpen: 0, breakerOpenLately: 0 };
}

/** What had been counted when an attempt starts: of its hour, and of hours that are not known apart. */
export function baselineOf(cells: readonly CoverageCell[], startedMs: number): CoverageCell[] {
  const since = Math.floor(startedMs / HOUR_MS);
  return cells.filter(({ hour }) => hour === 0 || hour >= since);
}

function negative(cell: CoverageCell): CoverageCell {
  const { observed, lost, breakerOpen } = cell;
  return { ...cell, observed: -observed, lost: -lost, breakerOpen: -breakerOpen };
}

interface Sum extends CoveragePart, CoverageCounts {}

function sum(part: string, cells: readonly CoverageCell[], missed = 0): Sum {
  let [observed, lost, breakerOpen] = [-missed, missed, 0];
  for (const cell of cells) {
    observed += cell.observed;
    lost += cell.lost;
    breakerOpen += cell.breakerOpen;
  }
  // A hour that was folded between two looks may be short of its baseline.
  return { part, observed: Math.max(0, observed), lost: Math.max(0, lost), breakerOpen };
}

function toPart({ part, observed, lost }: Sum): CoveragePart {
  return { part, observed, lost };
}

function groups(
  cells: readonly CoverageCell[],
  nameOf: (cell: CoverageCell) => string,
): CoveragePart[] {
  return [...Map.groupBy(cells, nameOf)]
    .map(([part, group]) => toPart(sum(part, group)))
    .filter(({ observed, lost }) => observed + lost > 0)
    .sort((a, b) => (a.part < b.part ? -1 : 1));
}

function hourPart(hour: number): string {
  return `hour ${new Date(hour * HOUR_MS).toISOString().slice(0, 13)}`;
}
