/** Verdicts as text, JSON, JUnit XML or annotations of GitHub Actions. Pure. */
import { ANSWERS } from '../../analysis/quality/headline.ts';
import type { Evidence, OutcomeCounts, VerdictSummary } from '../../analysis/summary.ts';
import { toPrintableJson, UNPRINTABLE } from '../../telemetry/printable-json.ts';
import { printableLines } from '../printable.ts';

export const VERDICT_FORMATS = ['text', 'json', 'junit', 'github'] as const;
export type VerdictFormat = (typeof VERDICT_FORMATS)[number];

const PROFILE_NOTE = 'Profile demo: minutes instead of a day. No basis for a cutover.';

/** @returns what is printed, with its last line's end */
export function renderVerdicts(verdicts: readonly VerdictSummary[], format: VerdictFormat): string {
  switch (format) {
    case 'json':
      return `${toPrintableJson({ schema: 'understudy.verdict/1', verdicts }, 2)}\n`;
    case 'junit':
      return toJunit(verdicts);
    case 'github':
      return verdicts.map(toAnnotations).join('');
    case 'text':
      if (verdicts.length === 0) return 'no candidate is judged yet\n';
      return verdicts.map(toText).join('\n');
  }
}

function toText(summary: VerdictSummary): string {
  const { candidate, experiment, verdict, gates, evidence, drivers } = summary;
  const lines = [`${candidate}  ${verdict}  ${headline(summary)}`];
  for (const note of notes(summary)) lines.push(`  ${note}`);
  lines.push(...headlineLines(summary));
  const preset = summary.preset === '' ? '' : `, guardrails ${summary.preset}`;
  lines.push(
    `  experiment ${experiment}, attempt ${summary.attempt} of ${summary.attempts} (plan ${summary.hash}${preset}, since ${summary.startedAt})`,
  );
  if (summary.firstPassAt !== '')
    lines.push(`  first PASS at ${summary.firstPassAt}: ${summary.standing}`);
  if (summary.withdrawnAt !== '') lines.push(`  withdrawn at ${summary.withdrawnAt}`);
  for (const each of evidence)
    lines.push(`  ${MARKS[each.state]} ${each.sentence}${missing(each)}`);
  for (const { reason, text } of gates) lines.push(`  – ${text} (${reason})`);
  if (drivers.length > 0) lines.push('  because:', ...drivers.map((driver) => `    ${driver}`));
  return printableLines(lines);
}

/** What stands on every output. */
function notes({ profile }: VerdictSummary): string[] {
  return profile === 'demo' ? [PROFILE_NOTE] : [];
}

/** The question that the cutover is about, its answer, and what outcomes there are. */
function headlineLines({ headline, outcomes }: VerdictSummary): string[] {
  const known = outcomes === null ? [] : [describeOutcomes(outcomes)];
  if (headline === null) return known.map((line) => `  ${line}`);
  return [`${headline.question} ${ANSWERS[headline.answer]}`, ...known].map((line) => `  ${line}`);
}

function describeOutcomes({ known, mature, positives, leastCoverage }: OutcomeCounts): string {
  const number = (count: number): string => count.toLocaleString('en-GB');
  const least = `${(leastCoverage * 100).toFixed(1)} %`;
  return `outcomes of ${number(known)} of ${number(mature)} mature pairs, ${number(positives)} positive; at least ${least} of each decision`;
}

const MARKS = { pass: '✓', fail: '✗', open: '…' } as const;

function missing({ state, missingPairs }: Evidence): string {
  if (state !== 'open') return '';
  if (missingPairs === null) return ' (not in sight)';
  return ` (${missingPairs.toLocaleString('en-GB')} more pairs at this rate of losses)`;
}

function headline({ cut, pairs, decisionInMs, closedAt }: VerdictSummary): string {
  const when =
    cut === '' ? 'no cut is closed yet' : `${pairs.toLocaleString('en-GB')} pairs up to ${cut}`;
  const then =
    decisionInMs === null ? '' : `; at the present rate decided in ${span(decisionInMs)}`;
  return when + then + (closedAt === '' ? '' : `; closed ${closedAt}`);
}

function span(ms: number): string {
  if (ms < 60_000) return 'less than a minute';
  const hours = ms / 3_600_000;
  if (hours < 1) return `${Math.ceil(ms / 60_000)} min`;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} d`;
}

/** One suite a candidate, one case a guardrail, and one of the verdict. */
function toJunit(verdicts: readonly VerdictSummary[]): string {
  const suites = verdicts.map((summary) => {
    const { candidate, verdict, evidence, gates, drivers } = summary;
    const isBad = verdict === 'FAIL' || verdict === 'INVALID' || verdict === 'INCONCLUSIVE';
    const asked = headlineLines(summary).map((line) => line.trim());
    const told = [...asked, ...notes(summary), ...drivers, ...gates.map(({ text }) => text)].join(
      '\n',
    );
    const whole = toCase(
      'verdict',
      verdict === 'PASS' ? '' : isBad ? 'failure' : 'skipped',
      `${verdict}\n${told}`,
    );
    const cases = evidence.map(({ guardrail, segment, state, sentence }) => {
      const name = segment === '' ? guardrail : `${guardrail} in ${segment}`;
      return toCase(
        name,
        state === 'pass' ? '' : state === 'fail' ? 'failure' : 'skipped',
        sentence,
      );
    });
    const all = [whole, ...cases];
    const count = (what: string): number => all.filter((text) => text.includes(`<${what} `)).length;
    return `  <testsuite name="${xml(candidate)}" tests="${all.length}" failures="${count('failure')}" skipped="${count('skipped')}" timestamp="${xml(summary.cut)}">\n${properties(summary)}${all.join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="understudy">\n${suites.join('')}</testsuites>\n`;
}

function properties({ experiment, attempt, attempts, hash, profile }: VerdictSummary): string {
  const values = { experiment, attempt: `${attempt} of ${attempts}`, plan: hash, profile };
  const lines = Object.entries(values).map(([name, value]) => {
    return `      <property name="${name}" value="${xml(value)}"/>\n`;
  });
  return `    <properties>\n${lines.join('')}    </properties>\n`;
}

function toCase(name: string, outcome: '' | 'failure' | 'skipped', text: string): string {
  const open = `    <testcase classname="understudy" name="${xml(name)}"`;
  if (outcome === '') return `${open}/>\n`;
  return `${open}>\n      <${outcome} message="${xml(text)}"/>\n    </testcase>\n`;
}

/** XML 1.0: markup escaped, what may not stand in it or drives a terminal replaced. */
function xml(text: string): string {
  return text
    .replace(UNPRINTABLE, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replace(/[\p{Cs}\uFFFE\uFFFF]/gu, '?');
}

/** Workflow commands; data escaped as the runner asks for. */
function toAnnotations(summary: VerdictSummary): string {
  const { candidate, verdict, gates, drivers } = summary;
  const level = verdict === 'PASS' ? 'notice' : verdict === 'CONTINUE' ? 'warning' : 'error';
  const told = drivers.length > 0 ? drivers : gates.map(({ text }) => text);
  const asked = headlineLines(summary).map((line) => line.trim());
  const text = [verdict, ...asked, ...notes(summary), ...told].join('\n');
  const data = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return printableLines([`::${level} title=Understudy verdict for ${candidate}::${data}`]);
}
