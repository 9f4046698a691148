/** A part of a report in text: notes and tables, which Markdown and HTML print alike. */

export interface Section {
  readonly id: SectionId;
  readonly title: string;
  /** Part of docs/statistics.md that says how its numbers are computed. */
  readonly anchor: string;
  readonly notes: readonly string[];
  readonly tables: readonly Table[];
}

export type SectionId =
  | 'headline'
  | 'quality'
  | 'verdict'
  | 'coverage'
  | 'failures'
  | 'scores'
  | 'latency'
  | 'time'
  | 'segments'
  | 'examples'
  | 'record';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Where docs/statistics.md tells of most numbers. */
export const SHOWS = 'what-a-report-shows';

/** The tables of which there is anything to print. */
export function tablesOf(...tables: Table[]): Table[] {
  return tables.filter(({ rows }) => rows.length > 0);
}
