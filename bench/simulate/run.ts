/**
 * `npm run simulate -- [NAME…] [--streams 2000] [--pairs 20000] [--seed 1] [--write]`
 *
 * Without names all of it. `--write` puts results and plots under docs/plots, of each of the four parts that ran whole;
 * `--plots` draws the plots anew from the results that are there. Exit code 1 where a bar is broken.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OUTCOMES, type OutcomesResult, runOutcomes } from './late-outcomes.ts';
import { plotBoundaries, plotErrors, plotRaces } from './plots.ts';
import { type RepeatsResult, runRepeatedKeys } from './repeated-keys.ts';
import {
  type ErrorResult,
  type RaceResult,
  runErrors,
  runRace,
  type Size,
} from './run-scenario.ts';
import { ERRORS, RACES } from './scenarios.ts';

const FOLDER = 'docs/plots';
const MEAN_REPEATS = [2, 3, 10] as const;

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      streams: { type: 'string', default: '2000' },
      pairs: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      plots: { type: 'boolean', default: false },
    },
  });
  if (values.plots) {
    draw(JSON.parse(readFileSync(`${FOLDER}/simulations.json`, 'utf8')) as Results);
    return;
  }
  const known = [...ERRORS, ...RACES, ...OUTCOMES].map(({ name }) => name).concat('repeated-keys');
  const unknown = positionals.filter((name) => !known.includes(name));
  const size = {
    streams: Number(values.streams),
    pairs: Number(values.pairs),
    seed: Number(values.seed),
  };
  const whole = Object.values(size).every((n) => Number.isSafeInteger(n) && n > 0);
  if (unknown.length > 0 || !whole) {
    process.stderr.write(
      `simulate: ${unknown.join(' ') || 'a number'} is wrong. Names: ${known.join(' ')}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const errors = ERRORS.filter((s) => wanted(s.name)).map((s) =>
    said(runErrors(s, size), showError),
  );
  const races = RACES.filter((r) => wanted(r.name)).map((r) => said(runRace(r, size), showRace));
  const keys = wanted('repeated-keys')
    ? MEAN_REPEATS.map((mean) => said(runRepeatedKeys(mean, size), showRepeats))
    : [];
  const outcomes = OUTCOMES.filter((o) => wanted(o.name)).map((o) =>
    said(runOutcomes(o, { ...size, streams: Math.ceil(size.streams / 4) }), showOutcomes),
  );
  const broken = [
    ...[...errors, ...outcomes].filter((e) => e.lowerBound > e.alpha),
    ...races.filter(isLate),
  ];
  if (values.write) write(size, { errors, races, keys, outcomes });
  for (const { title } of broken) process.stdout.write(`bar broken: ${title}\n`);
  process.exitCode = broken.length > 0 ? 1 : 0;
}

function isLate({ bars, median, ninety, fixedN }: RaceResult): boolean {
  return bars !== undefined && (median > bars.median * fixedN || ninety > bars.ninety * fixedN);
}

function said<T>(result: T, show: (result: T) => string): T {
  process.stdout.write(`${show(result)}\n`);
  return result;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const showError = (r: ErrorResult): string =>
  `| ${r.title} | ${percent(r.falsePass)} / ${percent(r.falseFail)} | ${percent(r.everPass)} / ${percent(r.everFail)} |`;

const showRace = ({ title, fixedN, median, eighty, ninety, wrong }: RaceResult): string =>
  `| ${title} | ${fixedN} | ${median} (${(median / fixedN).toFixed(2)}×) | ${eighty} | ${ninety} (${(ninety / fixedN).toFixed(2)}×) | ${percent(wrong)} |`;

const showRepeats = (r: RepeatsResult): string =>
  `| ${r.meanRepeats} | ${percent(r.plain)} | ${percent(r.withDesignEffect)} |`;

const showOutcomes = (r: OutcomesResult): string =>
  `| ${r.title} | ${percent(r.falsePass)} / ${percent(r.falseFail)} |`;

interface Results {
  readonly errors: readonly ErrorResult[];
  readonly races: readonly RaceResult[];
  readonly keys: readonly RepeatsResult[];
  readonly outcomes: readonly OutcomesResult[];
}

/** A part that did not run whole stays as it is. */
function write(size: Size, made: Results): void {
  const file = `${FOLDER}/simulations.json`;
  const before = JSON.parse(readFileSync(file, 'utf8')) as Results;
  const whole = <T>(now: readonly T[], all: { readonly length: number }, old: readonly T[]) =>
    now.length === all.length ? now : old;
  const results: Results = {
    errors: whole(made.errors, ERRORS, before.errors),
    races: whole(made.races, RACES, before.races),
    keys: whole(made.keys, MEAN_REPEATS, before.keys),
    outcomes: whole(made.outcomes, OUTCOMES, before.outcomes),
  };
  writeFileSync(file, `${JSON.stringify({ size, ...results }, undefined, 2)}\n`);
  draw(results);
}

function draw({ errors, races }: Results): void {
  writeFileSync(`${FOLDER}/false-verdicts.svg`, plotErrors(errors));
  writeFileSync(`${FOLDER}/time-to-decide.svg`, plotRaces(races));
  writeFileSync(`${FOLDER}/boundaries.svg`, plotBoundaries());
}

main();
