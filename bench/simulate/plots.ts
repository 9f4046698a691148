/** Plots of the results as SVG: light and dark, with a title and a description as text alternatives. */
import { boundaryTable } from '../../src/analysis/statistics/bernoulli-boundary.ts';
import { createBernoulliTest } from '../../src/analysis/statistics/beta-binomial.ts';
import type { ErrorResult, RaceResult } from './run-scenario.ts';

const STYLE = `<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.line { stroke: #8c959f; stroke-width: 1; fill: none }
.bar { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
.a { fill: #0969da; stroke: #0969da } .b { fill: #bc4c00; stroke: #bc4c00 } .c { fill: #8250df; stroke: #8250df }
.curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .line { stroke: #6e7681 } .bar { stroke: #ff7b72 }
  .a { fill: #58a6ff; stroke: #58a6ff } .b { fill: #ffa657; stroke: #ffa657 } .c { fill: #d2a8ff; stroke: #d2a8ff }
}
</style>`;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
}

function svg({ width, height, title, description }: Frame, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">
<title id="t">${title}</title>
<desc id="d">${description}</desc>
${STYLE}
${parts.join('\n')}
</svg>
`;
}

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
const line = (kind: string, ends: readonly number[]): string =>
  `<line class="${kind}" x1="${ends[0]}" y1="${ends[1]}" x2="${ends[2]}" y2="${ends[3]}"/>`;
const dot = (kind: string, x: number, y: number): string =>
  `<circle class="${kind}" cx="${x.toFixed(1)}" cy="${y}" r="4"/>`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const LEFT = 270;
const WIDTH = 760;
const ROW = 22;
const TOP = 46;

/** False PASS and false FAIL of each stream against alpha. */
export function plotErrors(results: readonly ErrorResult[]): string {
  const bottom = TOP + results.length * ROW;
  const x = (share: number): number => LEFT + (share / 0.06) * (WIDTH - LEFT - 20);
  const rows = results.flatMap(({ title, falsePass, falseFail }, i) => {
    const y = TOP + i * ROW + 10;
    return [
      text(LEFT - 12, y + 4, title, 'end'),
      dot('a', x(falsePass), y),
      dot('b', x(falseFail), y - 5),
    ];
  });
  const ticks = [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06].flatMap((share) => [
    line('line', [x(share), TOP - 6, x(share), bottom]),
    text(x(share), bottom + 18, percent(share), 'middle'),
  ]);
  const frame = {
    width: WIDTH,
    height: bottom + 30,
    title: 'False verdicts at the margin',
    description: results
      .map(
        (r) =>
          `${r.title}: false PASS ${percent(r.falsePass)}, false FAIL ${percent(r.falseFail)}.`,
      )
      .join(' '),
  };
  const key = [
    dot('a', LEFT, 18),
    text(LEFT + 10, 22, 'false PASS'),
    dot('b', LEFT + 100, 18),
    text(LEFT + 110, 22, 'false FAIL'),
    line('bar', [LEFT + 200, 18, LEFT + 230, 18]),
    text(LEFT + 236, 22, 'alpha'),
  ];
  return svg(frame, [...ticks, line('bar', [x(0.05), TOP - 6, x(0.05), bottom]), ...key, ...rows]);
}

/** Pairs to decide as multiples of the fixed-n test's. */
export function plotRaces(results: readonly RaceResult[]): string {
  const bottom = TOP + results.length * ROW;
  const x = (ratio: number): number => LEFT + (Math.min(ratio, 4) / 4) * (WIDTH - LEFT - 20);
  const rows = results.flatMap(({ title, fixedN, median, eighty, ninety }, i) => {
    const y = TOP + i * ROW + 10;
    return [
      text(LEFT - 12, y + 4, title, 'end'),
      line('line', [x(median / fixedN), y, x(ninety / fixedN), y]),
      dot('a', x(median / fixedN), y),
      dot('c', x(eighty / fixedN), y),
      dot('b', x(ninety / fixedN), y),
    ];
  });
  const ticks = [0, 1, 2, 3, 4].flatMap((ratio) => [
    line('line', [x(ratio), TOP - 6, x(ratio), bottom]),
    text(x(ratio), bottom + 18, `${ratio}×`, 'middle'),
  ]);
  const bars = [1.2, 2].map((ratio) => line('bar', [x(ratio), TOP - 6, x(ratio), bottom]));
  const frame = {
    width: WIDTH,
    height: bottom + 30,
    title: 'Pairs to decide beside the fixed-n test',
    description: results
      .map(
        (r) => `${r.title}: half by ${r.median}, 90 % by ${r.ninety} pairs, fixed n ${r.fixedN}.`,
      )
      .join(' '),
  };
  const key = [
    dot('a', LEFT, 18),
    text(LEFT + 10, 22, '50 %'),
    dot('c', LEFT + 70, 18),
    text(LEFT + 80, 22, '80 %'),
    dot('b', LEFT + 140, 18),
    text(LEFT + 150, 22, '90 % of streams have decided'),
    line('bar', [LEFT + 370, 18, LEFT + 400, 18]),
    text(LEFT + 406, 22, 'bars'),
  ];
  return svg(frame, [...ticks, ...bars, ...key, ...rows]);
}

/** The region of each verdict for flips against 1 %, t_opt 10,000. */
export function plotBoundaries(): string {
  const [nMax, delta, height] = [30_000, 0.01, 340];
  const test = createBernoulliTest({ delta, tOpt: 10_000, alphaOpt: 0.05 });
  const bar = Math.log(20);
  const { pass, fail } = boundaryTable(test, { pass: bar, fail: bar }, nMax);
  const x = (n: number): number =>
    60 + (Math.log10(n / 100) / Math.log10(nMax / 100)) * (WIDTH - 90);
  const y = (rate: number): number => height - 40 - (Math.min(rate, 0.03) / 0.03) * (height - 80);
  const curve = (kind: string, k: Int32Array): string => {
    const points: string[] = [];
    for (let n = 100; n <= nMax; n = Math.ceil(n * 1.02)) {
      const count = k[n] as number;
      if (count >= 0 && count <= 0.03 * n)
        points.push(`${x(n).toFixed(1)},${y(count / n).toFixed(1)}`);
    }
    return `<polyline class="${kind} curve" style="fill:none" points="${points.join(' ')}"/>`;
  };
  const ticks = [
    ...[100, 1_000, 10_000, 30_000].map((n) =>
      text(x(n), height - 20, n.toLocaleString('en'), 'middle'),
    ),
    ...[0, 0.01, 0.02, 0.03].map((rate) => text(52, y(rate) + 4, percent(rate), 'end')),
    ...[0, 0.01, 0.02, 0.03].map((rate) => line('line', [60, y(rate), WIDTH - 30, y(rate)])),
  ];
  const frame = {
    width: WIDTH,
    height,
    title: 'Which flip rate decides after how many pairs, limit 1 %',
    description: `Above the upper curve FAIL, below the lower one PASS. PASS needs 0 flips in 1,028 pairs, at most ${pass[10_000]} in 10,000; FAIL ${fail[1_000]} in 1,000, ${fail[10_000]} in 10,000.`,
  };
  const names = [
    text(x(6_000), y(0.021), 'FAIL'),
    text(x(14_000), y(0.004), 'PASS'),
    text(x(300), y(0.013), 'CONTINUE'),
  ];
  return svg(frame, [
    ...ticks,
    curve('b', fail),
    curve('a', pass),
    ...names,
    text(WIDTH / 2, height - 4, 'pairs', 'middle'),
  ]);
}
