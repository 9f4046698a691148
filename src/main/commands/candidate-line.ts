/** One candidate in a line of `understudy status`: what it is doing, and what holds copies back. */
import type { CandidateStatus } from '../../record/mirror-status.ts';

export function describeCandidate({ guard, ...candidate }: CandidateStatus): string {
  const { inFlight, queued, violations } = candidate;
  const { compared, labelFlips } = candidate;
  const parts = [`${inFlight} of ${guard.inFlightCeiling} in flight`, `${queued} waiting`];
  // None, while pairs come: the JSON Pointers find no scores.
  parts.push(`${compared} scores compared`, `${labelFlips} label flips`);
  if (guard.requestsPerSecond > 0) parts.push(`at most ${guard.requestsPerSecond}/s`);
  if (guard.maxRequestsPerDay > 0) {
    parts.push(`${guard.requestsToday} of ${guard.maxRequestsPerDay} today`);
  }
  if (guard.warmUpLeft > 0) parts.push(`warm-up, ${guard.warmUpLeft} to go`);
  const wrong = Object.entries(violations).filter(([, count]) => count > 0);
  if (wrong.length > 0) {
    parts.push(`broken answers: ${wrong.map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
  }
  const { breaker } = guard;
  if (breaker === null) return parts.join(', ');
  if (breaker.state !== 'closed') parts.push(`breaker ${breaker.state.replace('_', '-')}`);
  if (breaker.opens > 0) {
    const seconds = Number((breaker.brokenMs / 1_000).toFixed(1));
    parts.push(`found sick ${breaker.opens} times, ${seconds} s in all`);
  }
  return parts.join(', ');
}
