/** Metrics of what protects a candidate: its caps with their use, its breaker, its first copies. */
import type { CandidateStatus } from '../record/mirror-status.ts';
import type { MetricName } from './metric-table.ts';
import type { Samples } from './metrics.ts';

const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;

export function addGuard(samples: Samples, candidate: CandidateStatus): void {
  const { guard } = candidate;
  const labels = { candidate: candidate.name };
  const add = (name: MetricName, value: number): void => samples.add(name, value, labels);
  add('understudy_candidate_in_flight_ceiling', guard.inFlightCeiling);
  add('understudy_candidate_queued_bytes', candidate.queuedBytes);
  add('understudy_candidate_queued_limit_bytes', candidate.maxQueuedBytes);
  add('understudy_candidate_queue_age_seconds', candidate.oldestMs / 1_000);
  add('understudy_candidate_queue_age_limit_seconds', candidate.maxAgeMs / 1_000);
  add('understudy_candidate_request_rate_limit', guard.requestsPerSecond);
  add('understudy_candidate_request_rate_use_ratio', guard.requestRateUse);
  add('understudy_candidate_requests_today', guard.requestsToday);
  add('understudy_candidate_requests_per_day_limit', guard.maxRequestsPerDay);
  add('understudy_candidate_warm_up_left', guard.warmUpLeft);
  add('understudy_warm_up_pairs_total', candidate.warmUps);
  for (const [kind, count] of Object.entries(candidate.violations)) {
    samples.add('understudy_contract_violations_total', count, { ...labels, kind });
  }
  const { breaker } = guard;
  if (breaker === null) return;
  const { state } = breaker;
  samples.addState('understudy_candidate_breaker_state', { states: BREAKER_STATES, state }, labels);
  add('understudy_candidate_breaker_opens_total', breaker.opens);
  add('understudy_candidate_broken_seconds_total', breaker.brokenMs / 1_000);
  add('understudy_candidate_failure_ratio', breaker.failureRate);
}
