/** One outcome, as somebody tells it, and which of two counts. Pure. */

export interface LabelEntry {
  /** A pair's `join`, or the id of its exchange, `EPOCH.SEQ`. */
  readonly key: string;
  readonly label: string;
  /** When it became known, Unix ms; later ones correct earlier ones. `null`: when it is taken. */
  readonly atMs: number | null;
}

/** What has become of entries. */
export interface LabelCounts {
  /** Keys that had no outcome. */
  readonly added: number;
  /** Another outcome than before, known later. */
  readonly corrected: number;
  /** The same outcome as before. */
  readonly unchanged: number;
  /** Another outcome than before, known earlier: it changes nothing. */
  readonly outdated: number;
}

export const NO_LABELS: LabelCounts = { added: 0, corrected: 0, unchanged: 0, outdated: 0 };

export function addCounts(a: LabelCounts, b: LabelCounts): LabelCounts {
  return {
    added: a.added + b.added,
    corrected: a.corrected + b.corrected,
    unchanged: a.unchanged + b.unchanged,
    outdated: a.outdated + b.outdated,
  };
}
