/** `understudy experiment compare`: two candidates on identical exchanges, from the journal. */
import { type ComparedLoss, Comparison, type ComparisonResult } from '../../analysis/compare.ts';
import { JournalSource } from '../../analysis/journal-source.ts';
import { AnalysisStore, type Attempt } from '../../analysis/store.ts';
import { UnderstudyError } from '../../errors.ts';
import { JournalReader } from '../../record/journal/journal-reader.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { printableLines } from '../printable.ts';
import type { InstanceOptions } from './instance.ts';
import { findDataFolder } from './pairs.ts';

export interface CompareOptions extends InstanceOptions {
  readonly json: boolean;
  /** Data folder, where no instance is running. */
  readonly data?: string;
}

/**
 * Prints for each guardrail which of the two loses less: of the exchanges that the journal still has, since both have
 * their present attempts.
 *
 * @throws {UnderstudyError} `UND_USAGE` a candidate without an attempt, or two that are judged by different guardrails
 */
export async function compareCandidates(
  candidates: readonly [string, string],
  options: CompareOptions,
): Promise<void> {
  const dataDir = await findDataFolder(options);
  const comparison = new Comparison(commonPlan(attemptsOf(dataDir, candidates)), candidates);
  const reader = JournalReader.open(dataDir);
  const source = new JournalSource(reader, '');
  for (let done = false; !done; ) {
    const page = source.next();
    for (const pair of page.pairs) comparison.add(pair);
    done = page.done;
  }
  reader.close();
  const result = comparison.result();
  process.stdout.write(options.json ? `${toPrintableJson(result, 2)}\n` : render(result));
}

function attemptsOf(dataDir: string, candidates: readonly string[]): Attempt[] {
  const store = AnalysisStore.read(dataDir);
  try {
    const attempts = store.attempts();
    return candidates.map((name) => {
      const attempt = attempts.findLast(({ plan }) => plan.candidate === name);
      if (attempt !== undefined) return attempt;
      const names = [...new Set(attempts.map(({ plan }) => plan.candidate))].join(', ');
      throw new UnderstudyError('UND_USAGE', `${name} has no attempt; these have: ${names}.`);
    });
  } finally {
    store.end();
  }
}

/** What both are judged by, from the later start on. */
function commonPlan(attempts: readonly Attempt[]): Attempt['plan'] {
  const plans = attempts.map(({ plan }) => plan);
  const judged = plans.map(({ experiment, guardrails, scoreRange, objectiveMs, slowerByMs }) =>
    JSON.stringify([experiment, guardrails, scoreRange, objectiveMs, slowerByMs]),
  );
  const [plan] = plans;
  if (plan === undefined || new Set(judged).size !== 1) {
    const message = 'The two are not judged by the same experiment and guardrails.';
    throw new UnderstudyError('UND_USAGE', message);
  }
  const startedAt =
    plans
      .map((each) => each.startedAt)
      .sort()
      .at(-1) ?? plan.startedAt;
  return { ...plan, startedAt };
}

function render({ first, second, exchanges, unmatched, losses }: ComparisonResult): string {
  const lines = [
    `${first} against ${second}: ${exchanges.toLocaleString('en-GB')} identical exchanges (${unmatched} of one alone are left out)`,
    `loss of ${first} less loss of ${second}, with a band that holds whenever one looks:`,
  ];
  for (const loss of losses)
    lines.push(`  ${loss.guardrail.padEnd(24)} ${describe(loss, { first, second })}`);
  return printableLines(lines);
}

function describe(
  { n, mean, band, better }: ComparedLoss,
  names: { readonly first: string; readonly second: string },
): string {
  if (n === 0) return 'no exchange says anything of it';
  const [low, high] = band.map(signed);
  const who = better === 'neither' ? 'no difference shown' : `${names[better]} loses less`;
  return `${signed(mean)}  in [${low}, ${high}]  ${who}`;
}

function signed(value: number): string {
  const text = (value * 100).toFixed(3);
  return `${value > 0 ? '+' : ''}${text} %`;
}
