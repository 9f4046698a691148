/** The question that the demo's cutover is about, and its answer, as text of at most 100 columns. Pure. */
import type { DemoVerdict } from './outcomes.ts';
import { COLUMNS, escapeTerminal, formatCount, type Styles } from './terminal.ts';

const ANSWERS = { yes: 'Yes.', no: 'No.', open: 'Not yet known.' } as const;
const MARKS = { pass: '✓', fail: '✗', open: '…' } as const;

/** Title of its part; empty where nothing is asked. */
export function headlineTitle(verdict: DemoVerdict | null): string {
  return escapeTerminal(verdict?.headline?.question ?? '');
}

export function renderHeadline(verdict: DemoVerdict, styles: Styles): string[] {
  const { headline, outcomes } = verdict;
  if (headline === null) return [];
  if (headline.parts.length === 0) {
    return wrap(
      'Not judged in time: `understudy verdict` (below) says it in a moment.',
      '  ',
      '  ',
    );
  }
  const told =
    outcomes === null
      ? ''
      : ` Judged on ${formatCount(outcomes.known)} of ${formatCount(outcomes.mature)} loans that are old enough, ` +
        `${formatCount(outcomes.positives)} of them bad; all the outcomes came after the requests.`;
  return [
    ...wrap(`${ANSWERS[headline.answer]}${told}`, '  ', '  '),
    '',
    ...headline.parts.flatMap(({ state, sentence }) => {
      const lines = wrap(sentence, `  ${MARKS[state]} `, '    ');
      return state === 'fail' ? lines.map((line) => styles.bad(line)) : lines;
    }),
    '',
    ...wrap(
      `Verdict on all guardrails: ${verdict.verdict}. Minutes instead of a day (profile demo): no basis for a cutover.`,
      '  ',
      '  ',
    ),
  ];
}

/** Words in lines of at most 100 columns; a number stays with its %. */
function wrap(text: string, first: string, others: string): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of escapeTerminal(text).split(/ (?!%)/)) {
    const isStart = line === first || line === others;
    if (!isStart && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = others + word;
    } else line += isStart ? word : ` ${word}`;
  }
  return [...lines, line];
}
