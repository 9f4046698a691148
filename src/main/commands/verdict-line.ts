import type { VerdictSummary } from '../../analysis/summary.ts';

/** A verdict in a line of `status`. */
export function describeVerdict(summary: VerdictSummary): string {
  const { candidate, verdict, attempt, attempts, pairs, profile, gates } = summary;
  const parts = [
    `${candidate} ${verdict}`,
    `attempt ${attempt} of ${attempts}`,
    `${pairs.toLocaleString('en-GB')} pairs`,
  ];
  if (profile === 'demo') parts.push('profile demo');
  const first = gates[0];
  if (first !== undefined && verdict !== 'PASS') parts.push(first.text);
  return parts.join(', ');
}
