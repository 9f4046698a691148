/**
 * `understudy demo`: an incumbent, a candidate model and Understudy between them, on real requests, with
 * nothing else needed; then a summary, and it keeps serving until Ctrl-C.
 */
import { writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderWaterfall } from '../admin/render-waterfall.ts';
import { buildWaterfall } from '../admin/waterfall.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { type Books, readBooks, waitForQuiet } from '../demo/books.ts';
import { type DemoModel, type DemoRow, readDemoModel, readDemoRows } from '../demo/dataset.ts';
import type { DemoPorts } from '../demo/demo-config.ts';
import { type DemoFolder, demoFolder } from '../demo/demo-folder.ts';
import {
  type DemoVerdict,
  importOutcomes,
  waitForOutcomes,
  writeOutcomes,
} from '../demo/outcomes.ts';
import { replay } from '../demo/replay.ts';
import { ReplayLog } from '../demo/replay-log.ts';
import {
  renderIntroduction,
  renderNextSteps,
  renderProgress,
  renderReport,
} from '../demo/report.ts';
import { DemoStage, SCORE_PATH } from '../demo/stage.ts';
import { summarize } from '../demo/summary.ts';
import { escapeTerminal, ProgressLine, type Styles, stylesOf } from '../demo/terminal.ts';
import { UnderstudyError } from '../errors.ts';
import type { Pair } from '../pair/pair.ts';
import { JournalReader } from '../record/journal/journal-reader.ts';

export interface DemoOptions {
  /** End after the summary. */
  readonly once: boolean;
  /** `host:port` of a broker to publish to as well; topics are made there. */
  readonly kafka: string | null;
  /** Where `.understudy/demo` is made; the current folder where missing. */
  readonly folder?: string;
  /** Held-out rows to replay, ≥ 1; all where missing. */
  readonly rows?: number;
  /** Requests a second, > 0; 150 where missing. */
  readonly ratePerSecond?: number;
  /** Where the text goes; standard output where missing. */
  readonly output?: NodeJS.WritableStream;
}

const ROOT = join(import.meta.dirname, '..', '..');
const MODELS = join(ROOT, 'models', 'lending-club');
const TEMPLATE = join(ROOT, 'config', 'demo.yaml');
/** Name of the candidate in config/demo.yaml. */
const CANDIDATE = 'boosting';
const RATE_PER_SECOND = 150;
const REQUEST_TIMEOUT_MS = 10_000;
const QUIET_TIMEOUT_MS = 15_000;
/** From the last outcome to the verdict on it: cuts are closed in between. */
const VERDICT_TIMEOUT_MS = 60_000;
const JOURNAL_PAGE = 500;
const WATCH_MS = 250;

/** What the parts of one run of the demo share. */
interface Demo {
  readonly options: DemoOptions;
  readonly output: NodeJS.WritableStream;
  readonly styles: Styles;
  readonly folder: DemoFolder;
  readonly rows: readonly DemoRow[];
  readonly incumbent: DemoModel;
  readonly stage: DemoStage;
  /** Ctrl-C, SIGTERM, a closed terminal. */
  readonly interrupted: AbortSignal;
}

/**
 * Runs the demo. `UNDERSTUDY_DEMO_ROWS` and `UNDERSTUDY_DEMO_RATE` (requests a second) make it shorter.
 *
 * @returns the exit code: 0, with copies lost, too, which the books then explain; 1 when a step failed, an
 *   answer is missing, a pair says other than its caller was told, or the books do not add up; 130 when it was
 *   interrupted before the summary. Never rejects: what failed is said in one sentence on stderr
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = new AbortController();
  let stage: DemoStage | null = null;
  const interrupt = (): void => {
    // The second Ctrl-C is for those who do not want to wait for an orderly end.
    if (interruption.signal.aborted) stage?.hurry();
    interruption.abort();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const output = options.output ?? process.stdout;
  // Nobody reads any more (`| head`): an end like any other, and no process may stay behind.
  output.on('error', () => interruption.abort());
  try {
    const demo = prepare(options, interruption.signal);
    stage = demo.stage;
    return await perform(demo);
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED;
    complain(error instanceof UnderstudyError ? `${error.code}: ${error.message}` : String(error));
    return 1;
  } finally {
    const faults = (await stage?.stop()) ?? [];
    for (const fault of faults) complain(fault);
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const INTERRUPTED = 130;

function complain(sentence: string): void {
  process.stderr.write(`understudy demo: ${escapeTerminal(sentence)}\n`);
}

function prepare(options: DemoOptions, interrupted: AbortSignal): Demo {
  const output = options.output ?? process.stdout;
  const folder = demoFolder(options.folder ?? process.cwd());
  const limit = options.rows ?? positive('UNDERSTUDY_DEMO_ROWS') ?? Number.POSITIVE_INFINITY;
  const incumbent = readDemoModel(MODELS, 'incumbent');
  const programs = { understudy: [program('cli')], incumbent: [program('demo-incumbent')] };
  const stage = new DemoStage({
    folder,
    programs,
    template: TEMPLATE,
    incumbent,
    candidate: CANDIDATE,
    kafka: options.kafka,
    signal: interrupted,
  });
  const rows = readDemoRows(MODELS).slice(0, limit);
  const styles = stylesOf(output);
  return { options, output, styles, folder, rows, incumbent, stage, interrupted };
}

/** A number from the environment, > 0. */
function positive(variable: string): number | undefined {
  const value = Number(process.env[variable] ?? '');
  return value > 0 ? value : undefined;
}

/** The program of a sibling file, in a checkout and in a build. */
function program(name: string): string {
  return join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);
}

async function perform(demo: Demo): Promise<number> {
  const { output, styles, stage, options, interrupted } = demo;
  const ports = await stage.start();
  output.write(
    renderIntroduction(
      {
        rows: demo.rows.length,
        ports,
        scorePath: SCORE_PATH,
        incumbent: demo.incumbent,
        candidate: readDemoModel(MODELS, 'candidate'),
        kafka: options.kafka,
      },
      styles,
    ),
  );
  const log = new ReplayLog(demo.rows);
  const replayed = await replayRows(demo, ports, log);
  if (interrupted.aborted) return INTERRUPTED;
  const verdict = await judgeByOutcomes(demo);
  if (interrupted.aborted) return INTERRUPTED;
  const faults = report(demo, log, { ...replayed, verdict });
  for (const fault of faults) complain(`${fault} (log: ${demo.folder.understudyLog})`);
  if (faults.length === 0 || !options.once) sayWhatNext(demo, ports);
  if (!options.once) {
    while (!interrupted.aborted && stage.failure === '') await sleep(WATCH_MS);
    if (stage.failure !== '') throw new UnderstudyError('UND_DEMO_FAILED', stage.failure);
    output.write('\nEnding …\n');
  }
  return faults.length === 0 ? 0 : 1;
}

/** Outcomes come when all requests are over, by the command that users have. */
async function judgeByOutcomes(demo: Demo): Promise<DemoVerdict | null> {
  const { folder, rows, interrupted: signal, output } = demo;
  writeOutcomes(rows, folder.outcomes);
  const said = await importOutcomes([program('cli')], {
    ...{ file: folder.outcomes, run: folder.run, signal },
  });
  output.write(`  labels import: ${said}\n`);
  const pairs = readPairs(folder.dataDir).filter(({ flags }) => !flags.includes('warm_up')).length;
  return waitForOutcomes(folder.run, { pairs, timeoutMs: VERDICT_TIMEOUT_MS, signal });
}

/** A replay that has ended, and whose copies have come to rest. */
interface Replayed {
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly books: Books;
  /** What had not come to rest in time, in words. */
  readonly unsettled: readonly string[];
}

async function replayRows(demo: Demo, ports: DemoPorts, log: ReplayLog): Promise<Replayed> {
  const { rows, options, stage, folder, interrupted } = demo;
  const ratePerSecond =
    options.ratePerSecond ?? positive('UNDERSTUDY_DEMO_RATE') ?? RATE_PER_SECOND;
  const line = new ProgressLine(demo.output);
  const show = async (): Promise<void> => {
    const { mirror } = await readBooks(folder.run);
    const { compared, labelFlips } = mirror.candidates[0] ?? { compared: 0, labelFlips: 0 };
    const progress = { sent: log.sent, total: rows.length, ratePerSecond };
    line.show(renderProgress({ ...progress, pairs: compared, flips: labelFlips }));
  };
  // A status that does not come costs a refresh of the line, nothing else.
  const timer = setInterval(() => void show().catch(() => {}), line.intervalMs);
  try {
    const seconds = await replay(
      rows.map(({ body }) => body),
      {
        url: `http://127.0.0.1:${ports.gateway}${SCORE_PATH}`,
        ratePerSecond,
        timeoutMs: REQUEST_TIMEOUT_MS,
        signal: interrupted,
        onAnswer: (answer) => log.add(answer),
      },
    );
    const settled = await waitForQuiet(folder.run, {
      timeoutMs: QUIET_TIMEOUT_MS,
      withKafka: options.kafka !== null,
      signal: interrupted,
    });
    await show().catch(() => {});
    return { seconds, ...settled };
  } catch (error) {
    if (stage.failure === '') throw error;
    throw new UnderstudyError('UND_DEMO_FAILED', stage.failure);
  } finally {
    clearInterval(timer);
    line.end();
  }
}

/** Prints the summary. @returns what is wrong, in words */
function report(
  demo: Demo,
  log: ReplayLog,
  replayed: Replayed & { readonly verdict: DemoVerdict | null },
): string[] {
  const { options, folder, incumbent, rows } = demo;
  const { books, unsettled, seconds, verdict } = replayed;
  const pairs = readPairs(folder.dataDir);
  const summary = summarize(pairs, {
    labels: incumbent.labels,
    outcomes: new Map(rows.map(({ id, outcome }) => [id, outcome])),
  });
  const client = log.view(pairs, seconds);
  const waterfall = buildWaterfall([books.gateway], books.mirror);
  const text = renderReport(
    {
      summary,
      client,
      coverage: waterfall.candidates[0] ?? { observed: 0, lost: 0, coverage: null },
      waterfall: renderWaterfall(waterfall, { colour: demo.styles.active }),
      kafka: options.kafka === null ? null : toKafkaView(books),
      // A late one: the first were measured while everything was still warming up.
      pair: pairs.findLast((pair) => pair.divergence.label_flips > 0) ?? pairs.at(-1) ?? null,
      verdict,
    },
    demo.styles,
  );
  demo.output.write(`${text}\n`);
  const { answered, paired, asRecorded } = client;
  // What became of each answer without a pair stands in the books, if they are right.
  const explained = waterfall.exchanges.seen - (waterfall.candidates[0]?.observed ?? 0);
  const missing = answered - paired;
  return [
    ...unsettled.map((what) => `not settled after ${QUIET_TIMEOUT_MS / 1000} s: ${what}`),
    ...(waterfall.ok ? [] : ['the books do not add up']),
    ...(log.failures === '' ? [] : [`requests without an answer: ${log.failures}`]),
    ...(paired === asRecorded ? [] : [`${paired - asRecorded} pairs differ from what callers got`]),
    ...(paired > 0 ? [] : ['no answer is on a pair: the candidate was never observed']),
    ...(missing <= explained
      ? []
      : [`${missing} answers are on no pair, the books know ${explained}`]),
  ];
}

function toKafkaView({ mirror }: Books): { acknowledged: number; topic: string } {
  return {
    acknowledged: mirror.recorder.publisher?.published ?? 0,
    topic: DEFAULTS.kafka.pairsTopic,
  };
}

/** All pairs of this run, page by page. */
function readPairs(dataDir: string): Pair[] {
  const reader = JournalReader.open(dataDir);
  try {
    const pairs: Pair[] = [];
    for (let seq = 0; ; ) {
      const page = reader.pairsAfter(seq, JOURNAL_PAGE);
      const last = page.at(-1);
      if (last === undefined) return pairs;
      for (const { json } of page) pairs.push(JSON.parse(json));
      seq = last.seq;
    }
  } finally {
    reader.close();
  }
}

function sayWhatNext({ options, output, styles, folder, rows }: Demo, ports: DemoPorts): void {
  const bodyFile = join(folder.path, 'loan.json');
  writeFileSync(bodyFile, `${rows[0]?.body ?? '{}'}\n`);
  const steps = {
    url: `http://127.0.0.1:${ports.gateway}${SCORE_PATH}`,
    bodyFile: toTyped(bodyFile),
    runDir: toTyped(folder.run.path),
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    keepsServing: !options.once,
  };
  output.write(`${renderNextSteps(steps, styles)}\n`);
}

/** As one types it in the current folder. */
function toTyped(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
