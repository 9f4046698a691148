/** Reports from a data folder, whether or not an admin process runs there. */
import { existsSync } from 'node:fs';
import { coverageAt } from '../coverage.ts';
import { AnalysisStore, type Attempt } from '../store.ts';
import { analysisPath } from '../store-file.ts';
import { type ReportContext, type ReportModel, toReport } from './report-model.ts';

/**
 * The last attempt of each candidate and experiment, as its state was last committed.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_VERSION`; errors of SQLite as they are
 */
export function readReports(dataDir: string, context: ReportContext): ReportModel[] {
  if (!existsSync(analysisPath(dataDir))) return [];
  const store = AnalysisStore.read(dataDir);
  try {
    const last = new Map<string, Attempt>();
    for (const attempt of store.attempts()) {
      const { experiment, candidate } = attempt.plan;
      last.set(JSON.stringify([experiment, candidate]), attempt);
    }
    return Array.from(last.values(), (attempt) => {
      const cuts = store.cuts(attempt.id);
      const untilMs = [...cuts.keys()].at(-1) ?? 0;
      const analysis = store.load(attempt);
      analysis.quality = store.quality(attempt, { withSample: true });
      const of = { attempt, attempts: attempt.number, analysis };
      return toReport({ ...of, untilMs, coverageAt: coverageAt(cuts) }, context);
    });
  } finally {
    store.end();
  }
}
