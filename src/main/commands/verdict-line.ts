import { ANSWERS } from '../../analysis/quality/headline.ts';
import type { VerdictSummary } from '../../analysis/summary.ts';

/** A verdict in a line of `status`. */
export function describeVerdict(summary: VerdictSummary): string {
  const { candidate, verdict, attempt, attempts, pairs, profile, gates, headline } = summary;
  const parts = [
    `${candidate} ${verdict}`,
    `attempt ${attempt} of ${attempts}`,
    `${pairs.toLocaleString('en-GB')} pairs`,
  ];
  if (profile === 'demo') parts.push('profile demo');
  if (headline !== null) parts.push(`${headline.question} ${ANSWERS[headline.answer]}`);
  const first = gates[0];
  if (first !== undefined && verdict !== 'PASS') parts.push(first.text);
  return parts.join(', ');
}
