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
  /**
   * Where later cuts are closed together with this one: `breakerOpen` of the one before it. What the breaker has kept
   * back since then counts at the newest of them, since nobody knows of which cut it is, and an early FAIL would
   * stand for good. `null`: it is the newest.
   */
  readonly keptBackBefore: number | null;
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
  const breakerOpen = Math.min(all.breakerOpen, facts.keptBackBefore ?? all.breakerOpen);
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
    // Against PASS all of them count: an early cut may not pass as if the breaker had been closed.
    breakerOpenLately: Math.max(0, all.breakerOpen - (windowBefore?.breakerOpen ?? 0)),
  };
}

/** Copies of an attempt that were lost so far. @param missed - as in {@link CutFacts} */
export function lostIn(
  { plan, baseline }: Pick<Attempt, 'plan' | 'baseline'>,
  cells: readonly CoverageCell[],
  missed: number,
): number {
  const since = Math.floor(Date.parse(plan.startedAt) / HOUR_MS);
  const own = cells.filter(({ hour }) => hour === 0 || hour >= since);
  return sum('', [...own, ...baseline.map(negative)], missed).lost;
}

/**
 * Coverage at closed cuts, each with the hours of those before it. Asked for cuts in order, it goes on from the last
 * one; cuts may be added meanwhile.
 *
 * @param cuts - closed ones, by cut, in order
 */
export function coverageAt(cuts: ReadonlyMap<number, Coverage>): (cutMs: number) => Coverage {
  const hours = new Map<string, CoveragePart>();
  let closed: [number, Coverage][] = [];
  let next = 0;
  return (cutMs) => {
    if (closed.length !== cuts.size) closed = [...cuts];
    const at = closed[next - 1]?.[0] ?? Number.NEGATIVE_INFINITY;
    if (cutMs < at) {
      hours.clear();
      next = 0;
    }
    for (; (closed[next]?.[0] ?? Number.POSITIVE_INFINITY) <= cutMs; next++) {
      for (const part of closed[next]?.[1].parts ?? []) {
        if (part.part.startsWith('hour ')) hours.set(part.part, part);
      }
    }
    const coverage = cuts.get(cutMs);
    if (coverage === undefined) return { parts: [], breakerOpen: 0, breakerOpenLately: 0 };
    const others = coverage.parts.filter(({ part }) => !part.startsWith('hour '));
    // Cuts that an earlier version closed may say less than 0.
    const breakerOpen = Math.max(0, coverage.breakerOpen);
    return { ...coverage, breakerOpen, parts: [...others, ...hours.values()] };
  };
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
  // An hour that was folded between two looks may be short of its baseline, and so is one that begins after the cut
  // where a gateway's clock was ahead when the attempt started.
  return {
    part,
    observed: Math.max(0, observed),
    lost: Math.max(0, lost),
    breakerOpen: Math.max(0, breakerOpen),
  };
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
