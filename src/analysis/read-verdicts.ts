/** Verdicts from a data folder, where no admin process runs. */
import { existsSync } from 'node:fs';
import type { AnalysisStatus } from './analysis-messages.ts';
import { coverageAt } from './coverage.ts';
import { AnalysisStore } from './store.ts';
import { analysisPath } from './store-file.ts';
import { summarise, type VerdictSummary } from './summary.ts';

/**
 * Judges the last attempt of each candidate and experiment, as its state was last committed.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_VERSION`; errors of SQLite as they are
 */
export function readVerdicts(dataDir: string): AnalysisStatus {
  const status = { error: '' as const, message: '', lag: 0, missed: 0 };
  if (!existsSync(analysisPath(dataDir))) return { ...status, verdicts: [] };
  const store = AnalysisStore.read(dataDir);
  try {
    const attempts = store.attempts();
    const last = new Map(
      attempts.map((attempt) => {
        const { experiment, candidate } = attempt.plan;
        return [JSON.stringify([experiment, candidate]), attempt];
      }),
    );
    const verdicts = Array.from(last.values(), (attempt): VerdictSummary => {
      const cuts = store.cuts(attempt.id);
      const untilMs = [...cuts.keys()].at(-1) ?? 0;
      const analysis = store.load(attempt);
      analysis.quality = store.quality(attempt);
      const of = { attempt, attempts: attempt.number, analysis };
      return summarise({ ...of, untilMs, coverageAt: coverageAt(cuts) });
    });
    return { ...status, verdicts };
  } finally {
    store.end();
  }
}
