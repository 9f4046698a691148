/** The waterfall for a terminal: what an operator has to see stands in front, losses are marked. */
import { styleText } from 'node:util';
import { LEG_COVERAGE } from '../pair/leg-states.ts';
import type { CandidateWaterfall, StateCount, Waterfall } from './waterfall.ts';

const NAME_WIDTH = 34;
const COUNT_WIDTH = 14;

export interface RenderOptions {
  /** ANSI colours; by default where standard output is a terminal and `NO_COLOR` is not set. */
  readonly colour?: boolean;
  /** Unix ms, for the age of last reports. */
  readonly nowMs?: number;
}

type Paint = (style: 'red' | 'green' | 'yellow' | 'bold' | 'dim', text: string) => string;

/** @returns lines, each with its end */
export function renderWaterfall(waterfall: Waterfall, options: RenderOptions = {}): string {
  const isTerminal = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  const colour = options.colour ?? isTerminal;
  const paint: Paint = (style, text) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const lines = [
    ...exchangeLines(waterfall, paint),
    ...waterfall.candidates.flatMap((candidate) => candidateLines(candidate, waterfall, paint)),
    ...uncleanLines(waterfall, options.nowMs ?? Date.now(), paint),
    '',
    ...sumLines(waterfall, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function exchangeLines(waterfall: Waterfall, paint: Paint): string[] {
  const { seen, states, open, undecided } = waterfall.exchanges;
  const lines = [paint('bold', row('exchanges seen', seen, seen))];
  for (const state of states) {
    const isLost = state.state === 'shed';
    lines.push(mark(row(`  ${label(state)}`, state.count, seen), isLost, paint));
  }
  if (open > 0) lines.push(paint('dim', row('  open', open, seen)));
  if (undecided > 0) {
    lines.push(paint('yellow', row('  undecided when a gateway was killed', undecided, seen)));
  }
  return lines;
}

function candidateLines(c: CandidateWaterfall, waterfall: Waterfall, paint: Paint): string[] {
  const lines = ['', paint('bold', row(`copies for ${clean(c.name)}`, c.offered, c.offered))];
  for (const state of c.states) {
    const isLost = isLegState(state.state) && LEG_COVERAGE[state.state] === 'lost';
    lines.push(mark(row(`  ${label(state)}`, state.count, c.offered), isLost, paint));
  }
  if (c.open > 0) {
    const inTransit = waterfall.inTransit ?? 0;
    const where = inTransit > 0 ? 'in flight or in transit' : 'in flight';
    lines.push(paint('dim', row(`  ${where}`, c.open, c.offered)));
  }
  const share = c.coverage === null ? 'none yet' : percent(c.coverage);
  const text = `${'  coverage'.padEnd(NAME_WIDTH + COUNT_WIDTH)}${share.padStart(10)}`;
  const of = `   ${count(c.observed)} observed, ${count(c.lost)} lost`;
  lines.push(`${paint(c.lost > 0 ? 'red' : 'green', text)}${of}`);
  return lines;
}

function uncleanLines(waterfall: Waterfall, nowMs: number, paint: Paint): string[] {
  return waterfall.uncleanEpochs.flatMap((epoch, i) => {
    const age = Math.max(0, Math.round((nowMs - epoch.reportedAtMs) / 1000));
    const gap =
      epoch.unreportedMs === null ? '' : `, ${ms(epoch.unreportedMs)} after its last report`;
    const size = `${count(epoch.undecided)} undecided`;
    const line = `! ${clean(epoch.instance)} ended unclean${gap} (${count(age)} s ago): ${size}`;
    return [...(i === 0 ? [''] : []), paint('yellow', line)];
  });
}

function sumLines(waterfall: Waterfall, paint: Paint): string[] {
  const { ok, sums, mirrorUp, gateways } = waterfall;
  const lines = sums
    .filter((sum) => !sum.ok)
    .map(({ what, left, right }) =>
      paint('red', `✗ ${clean(what)}: ${count(left)} ≠ ${count(right)}`),
    );
  if (ok) lines.push(paint('green', `✓ all ${sums.length} sums add up`));
  if (gateways === 0) lines.push(paint('red', '! no gateway answers'));
  if (!mirrorUp) lines.push(paint('red', '! the mirror does not answer: copies are not shown'));
  return lines;
}

function row(name: string, value: number, of: number): string {
  const share = of > 0 ? percent(value / of) : '';
  return `${name.padEnd(NAME_WIDTH)}${count(value).padStart(COUNT_WIDTH)}${share.padStart(10)}`;
}

function mark(line: string, isLost: boolean, paint: Paint): string {
  return isLost ? paint('red', `${line}   ! lost`) : line;
}

function label({ state, reason }: StateCount): string {
  return clean(reason === '' ? state : `${state} (${reason})`);
}

function isLegState(state: string): state is keyof typeof LEG_COVERAGE {
  return Object.hasOwn(LEG_COVERAGE, state);
}

/** 99.99 % is not 100 %: only the whole is. */
function percent(share: number): string {
  const shown = (share * 100).toFixed(1);
  if (shown === '100.0' && share < 1) return '> 99.9 %';
  if (shown === '0.0' && share > 0) return '< 0.1 %';
  return `${shown} %`;
}

function ms(value: number): string {
  return `${count(Math.round(value))} ms`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Names come from other processes: nothing in them may drive the terminal. */
function clean(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
