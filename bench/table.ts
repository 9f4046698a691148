/** The summary as text. Pure. */
import type { Row, Spread } from './summary.ts';

export interface TitledRow {
  readonly title: string;
  readonly row: Row;
}

type Column = readonly [head: string, width: number, cell: (row: Row) => string];

const NOTHING = '–';
const MIN_TITLE_WIDTH = 25;

/** Column heads of the ratios, in the order of the rows' ratios. */
export interface BaseLabels {
  readonly rate: readonly string[];
  readonly cpu: readonly string[];
}

function ratioColumns(
  labels: readonly string[],
  read: (row: Row) => readonly (Spread | null)[],
): Column[] {
  return labels.map((label, i) => [label, label.length + 2, (row) => ratio(read(row)[i] ?? null)]);
}

function speedColumns(labels: readonly string[]): readonly Column[] {
  return [
    ['req/s', 8, (row) => whole(row.requestsPerSecond)],
    ['(min–max)', 13, (row) => range(row.requestsPerSecond)],
    ...ratioColumns(labels, (row) => row.rateRatios),
    ['p50 ms', 8, (row) => row.p50Ms.median.toFixed(2)],
    ['p99 ms', 8, (row) => row.p99Ms.median.toFixed(2)],
    ['max ms', 8, (row) => row.maxMs.median.toFixed(1)],
    ['others %', 10, (row) => percent(row.foreign)],
    ['n', 6, (row) => `${row.used}/${row.made}`],
  ];
}

function costColumns(labels: readonly string[]): readonly Column[] {
  return [
    ['gateway µs', 12, (row) => fixed(row.gatewayCpuUs)],
    ...ratioColumns(labels, (row) => row.gatewayCpuRatios),
    ['all µs', 8, (row) => fixed(row.allCpuUs)],
    ...ratioColumns(labels, (row) => row.allCpuRatios),
  ];
}

const COPIES: readonly Column[] = [
  ['coverage %', 12, (row) => percent(row.coverage)],
  ['(min–max)', 12, (row) => percentRange(row.coverage)],
  ['pairs/s', 9, (row) => whole(row.pairsPerSecond)],
];

/** Callers' view, what it costs, copies, memory, and what was lost where. */
export function renderTables(
  connections: number,
  rows: readonly TitledRow[],
  labels: BaseLabels,
): string {
  const width = Math.max(MIN_TITLE_WIDTH, ...rows.map(({ title }) => title.length));
  const mirrored = rows.filter(({ row }) => row.coverage !== null);
  const blocks = [
    render(`${connections} connections`, { columns: speedColumns(labels.rate), width }, rows),
    render('CPU a request', { columns: costColumns(labels.cpu), width }, rows),
    mirrored.length === 0 ? '' : render('copies', { columns: COPIES, width }, mirrored),
    renderMemory(rows, width),
    renderNotes(rows),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

interface Layout {
  readonly columns: readonly Column[];
  /** Of the titles. */
  readonly width: number;
}

function render(corner: string, { columns, width }: Layout, rows: readonly TitledRow[]): string {
  const line = (title: string, cells: readonly string[]): string =>
    title.padEnd(width) + cells.map((cell, i) => cell.padStart(columns[i]?.[1] ?? 0)).join('');
  const head = line(
    corner,
    columns.map(([name]) => name),
  );
  const body = rows.map(({ title, row }) =>
    line(
      title,
      columns.map(([, , cell]) => cell(row)),
    ),
  );
  return [head, ...body].join('\n');
}

function renderMemory(rows: readonly TitledRow[], width: number): string {
  const lines = rows.flatMap(({ title, row }) => {
    const peaks = Object.entries(row.peakRssMiB).map(([name, mib]) => `${name} ${mib.toFixed(0)}`);
    return peaks.length === 0 ? [] : [title.padEnd(width + 2) + peaks.join(', ')];
  });
  return ['peak RSS, MiB', ...lines].join('\n');
}

function renderNotes(rows: readonly TitledRow[]): string {
  const notes = rows.flatMap(({ title, row }) => {
    const losses = Object.entries(row.losses).map(([name, count]) => `${name} ${count}`);
    return [
      ...(row.usedNoisy
        ? [`${title}: others took over a tenth of the machine in all of them`]
        : []),
      ...(losses.length === 0 ? [] : [`${title}: not recorded: ${losses.join(', ')}`]),
      ...(row.errors === 0 ? [] : [`${title}: ${row.errors} ERRORS SEEN BY CALLERS`]),
      ...row.unsettled.map((text) => `${title}: NOT SETTLED: ${text}`),
    ];
  });
  return notes.join('\n');
}

function whole(spread: Spread | null): string {
  return spread === null ? NOTHING : String(Math.round(spread.median));
}

function range({ min, max }: Spread): string {
  return `${(min / 1_000).toFixed(1)}–${(max / 1_000).toFixed(1)}k`;
}

function fixed(spread: Spread | null): string {
  return spread === null ? NOTHING : spread.median.toFixed(1);
}

function ratio(spread: Spread | null): string {
  return spread === null || Number.isNaN(spread.median) ? NOTHING : spread.median.toFixed(2);
}

function percent(spread: Spread | null): string {
  return spread === null ? NOTHING : (spread.median * 100).toFixed(1);
}

function percentRange(spread: Spread | null): string {
  return spread === null ? '' : `${(spread.min * 100).toFixed(1)}–${(spread.max * 100).toFixed(1)}`;
}
