/** Metrics of the analysis. */
import type { AnalysisStatus } from '../analysis/analysis-messages.ts';
import { VERDICTS } from '../analysis/verdict.ts';
import type { Samples } from './metrics.ts';

export function addAnalysis(
  samples: Samples,
  { error, lag, missed, verdicts }: AnalysisStatus,
): void {
  samples.add('understudy_analysis_fault', error === '' ? 0 : 1);
  samples.add('understudy_analysis_lag_pairs', lag);
  samples.add('understudy_analysis_missed_pairs', missed);
  for (const { candidate, verdict, pairs, attempts, outcomes } of verdicts) {
    samples.add('understudy_analysis_pairs', pairs, { candidate });
    samples.add('understudy_experiment_attempts', attempts, { candidate });
    if (outcomes !== null) {
      samples.add('understudy_outcomes_mature_pairs', outcomes.mature, { candidate });
      samples.add('understudy_outcomes_known_pairs', outcomes.known, { candidate });
      samples.add('understudy_outcomes_least_coverage_ratio', outcomes.leastCoverage, {
        candidate,
      });
    }
    const of = { states: VERDICTS, state: verdict };
    samples.addState('understudy_verdict_state', of, { candidate });
  }
}
