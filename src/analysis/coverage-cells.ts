/**
 * Copies of one candidate by epoch, route, hour and size class: observed, lost, kept back by the breaker. The
 * journal folds old hours; here they stay apart. Counts only grow.
 */
import { LEG_COVERAGE, OLDER_LEGS_HOUR } from '../pair/leg-states.ts';
import { type CommittedBooks, type EpochLedger, participantId } from '../record/recorder-port.ts';

export interface CoverageCounts {
  readonly observed: number;
  readonly lost: number;
  /** Of the lost: the breaker was open. */
  readonly breakerOpen: number;
}

export interface CoverageCell extends CoverageCounts {
  readonly epoch: string;
  readonly route: string;
  /** Hours since the Unix epoch; 0: older than the journal's hours, and not known apart here. */
  readonly hour: number;
  readonly sizeClass: string;
}

type Counts = { -readonly [K in keyof CoverageCounts]: CoverageCounts[K] };
type Cells = Map<string, CellKey & Counts>;

const KEYS = ['observed', 'lost', 'breakerOpen'] as const;

export class CoverageCells {
  readonly #cells: Cells = new Map();
  readonly #touched = new Set<CoverageCell>();

  constructor(cells: Iterable<CoverageCell> = []) {
    for (const cell of cells) this.#cells.set(idOf(cell), { ...cell });
  }

  /** All of them. */
  cells(): CoverageCell[] {
    return [...this.#cells.values()];
  }

  /** Takes the books of the journal for one candidate. @param routes - its routes, as configured */
  take(books: CommittedBooks, candidate: string, routes: readonly string[]): void {
    const told = cellsOf(books, candidate, routes);
    const folded = books.epochs.filter(({ foldedBefore }) => foldedBefore > 0);
    for (const { epoch, foldedBefore } of folded) this.#unfold(told, epoch, foldedBefore);
    for (const cell of told.values()) this.#raise(cell);
  }

  /** What has changed since the last call of {@link settle}. */
  changed(): CoverageCell[] {
    return [...this.#touched];
  }

  settle(): void {
    this.#touched.clear();
  }

  /** What is known apart is taken off what the journal has folded: the rest stands for the hours of before. */
  #unfold(told: Cells, epoch: string, foldedBefore: number): void {
    for (const own of this.#cells.values()) {
      const { hour } = own;
      if (own.epoch !== epoch || hour === OLDER_LEGS_HOUR || hour >= foldedBefore) continue;
      const older = told.get(idOf({ ...own, hour: OLDER_LEGS_HOUR }));
      if (older === undefined) continue;
      for (const key of KEYS) older[key] = Math.max(0, older[key] - own[key]);
    }
  }

  #raise(cell: CoverageCell): void {
    const id = idOf(cell);
    const own = this.#cells.get(id);
    if (own === undefined) {
      const added = { ...cell };
      this.#cells.set(id, added);
      this.#touched.add(added);
      return;
    }
    for (const key of KEYS) {
      if (cell[key] <= own[key]) continue;
      own[key] = cell[key];
      this.#touched.add(own);
    }
  }
}

type CellKey = Pick<CoverageCell, 'epoch' | 'route' | 'hour' | 'sizeClass'>;

function idOf({ epoch, route, hour, sizeClass }: CellKey): string {
  return `${epoch}|${route}|${hour}|${sizeClass}`;
}

function cellsOf(books: CommittedBooks, candidate: string, routes: readonly string[]): Cells {
  const cells: Cells = new Map();
  const at = ({ epoch, route, hour, sizeClass }: CellKey): Counts => {
    const id = idOf({ epoch, route, hour, sizeClass });
    const found = cells.get(id);
    if (found !== undefined) return found;
    const made = { epoch, route, hour, sizeClass, observed: 0, lost: 0, breakerOpen: 0 };
    cells.set(id, made);
    return made;
  };
  const had = new Set<string>();
  const epochsWithLegs = new Set<string>();
  for (const leg of books.legs) {
    epochsWithLegs.add(leg.epoch);
    if (leg.candidate !== candidate) continue;
    had.add(`${leg.epoch}|${leg.route}`);
    const coverage = LEG_COVERAGE[leg.state];
    if (coverage === 'outside') continue;
    at(leg)[coverage] += leg.count;
    if (leg.state === 'breaker_open') at(leg).breakerOpen += leg.count;
  }
  for (const ledger of books.epochs) {
    const isOurs = (route: string): boolean =>
      routes.includes(route) &&
      (ledger.state === 'live' ||
        had.has(`${ledger.epoch}|${route}`) ||
        isConfigured(ledger, { candidate, route, hasLegs: epochsWithLegs.has(ledger.epoch) }));
    for (const cell of ledger.cells) {
      if (cell.state !== 'shed' || cell.count === 0 || !isOurs(cell.route)) continue;
      const { route, hour, sizeClass } = cell;
      at({ epoch: ledger.epoch, route, hour, sizeClass }).lost += cell.count;
    }
  }
  return cells;
}

/** Whether it was to get copies in an epoch that has ended, as the waterfall counts it. */
function isConfigured(
  { configured }: EpochLedger,
  of: { readonly candidate: string; readonly route: string; readonly hasLegs: boolean },
): boolean {
  if (configured === null) return !of.hasLegs;
  return configured.includes(participantId(of.candidate, of.route));
}
