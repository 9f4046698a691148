/** The demo's screens, put together from their parts. Pure. */
import type { Pair } from '../pair/pair.ts';
import type { DemoModel } from './dataset.ts';
import type { DemoPorts } from './demo-config.ts';
import type { DemoVerdict } from './outcomes.ts';
import { headlineTitle, renderHeadline } from './render-headline.ts';
import {
  type ClientView,
  type Coverage,
  heading,
  renderAgreement,
  renderExchanges,
  renderLatency,
  renderPair,
  renderQuality,
  renderScoreDifference,
} from './render-summary.ts';
import type { Summary } from './summary.ts';
import { escapeTerminal, formatCount, progressBar, type Styles } from './terminal.ts';

export interface Introduction {
  readonly rows: number;
  readonly ports: DemoPorts;
  readonly scorePath: string;
  readonly incumbent: Pick<DemoModel, 'algorithm' | 'modelVersion'>;
  readonly candidate: Pick<DemoModel, 'algorithm' | 'modelVersion'>;
  readonly kafka: string | null;
}

/** What stands where, before the first request. */
export function renderIntroduction(intro: Introduction, styles: Styles): string {
  const { ports, incumbent, candidate, rows } = intro;
  const side = (title: string, model: Introduction['incumbent'], place: string): string =>
    `  ${title.padEnd(10)} ${shorten(model.algorithm).padEnd(20)} ${model.modelVersion.padEnd(19)} ${place}`;
  const callers = `http://127.0.0.1:${ports.gateway}${intro.scorePath}`;
  return [
    '',
    styles.bold('Understudy demo: a new credit model in the shadow of the one in production'),
    '',
    `  ${formatCount(rows)} real loan requests (Lending Club) that neither model has seen, each sent once`,
    side('incumbent', incumbent, `answers the callers, 127.0.0.1:${ports.incumbent}`),
    side('candidate', candidate, 'gets a copy of each, in a process of its own'),
    `  ${'callers'.padEnd(10)} ${callers}`,
    ...(intro.kafka === null ? [] : [`  ${'Kafka'.padEnd(10)} ${escapeTerminal(intro.kafka)}`]),
    '\n',
  ].join('\n');
}

/** `logistic regression (L2) on …` → `logistic regression` */
function shorten(algorithm: string): string {
  return algorithm.split(' (', 1)[0] ?? algorithm;
}

export interface Progress {
  readonly sent: number;
  readonly total: number;
  readonly ratePerSecond: number;
  readonly pairs: number;
  readonly flips: number;
}

/** One line, at most 100 characters. */
export function renderProgress(progress: Progress): string {
  const { sent, total, pairs, flips, ratePerSecond } = progress;
  const seconds = Math.ceil((total - sent) / ratePerSecond);
  return (
    `  replaying ${progressBar(sent / total, 24)} ${formatCount(sent)} of ${formatCount(total)}` +
    `   ${formatCount(pairs)} pairs   ${formatCount(flips)} flips   ${seconds} s left`
  );
}

export interface ReportInput {
  readonly summary: Summary;
  readonly client: ClientView;
  readonly coverage: Coverage;
  /** Both ledgers, as `understudy status` shows them. */
  readonly waterfall: string;
  /** Pairs acknowledged by the broker; `null` without Kafka. */
  readonly kafka: { readonly acknowledged: number; readonly topic: string } | null;
  readonly pair: Pair | null;
  /** `null`: none was told. */
  readonly verdict: DemoVerdict | null;
}

export function renderReport(input: ReportInput, styles: Styles): string {
  const { summary, client, kafka, pair, verdict } = input;
  const part = (title: string, lines: readonly string[]): string[] => [
    heading(title, styles),
    ...lines,
  ];
  const published =
    kafka === null
      ? []
      : [
          `  Kafka      ${formatCount(kafka.acknowledged)} pairs acknowledged by the broker, ` +
            `topic ${escapeTerminal(kafka.topic)}`,
        ];
  return [
    ...part('Summary', [...renderExchanges(client, input.coverage), ...published]),
    ...part('Agreement', renderAgreement(summary)),
    ...part('Score difference', renderScoreDifference(summary)),
    ...part('Latency', renderLatency(summary, client)),
    ...part('Against the known outcomes', renderQuality(summary)),
    ...(headlineTitle(verdict) === '' || verdict === null
      ? []
      : part(headlineTitle(verdict), renderHeadline(verdict, styles))),
    ...part('Books', input.waterfall.trimEnd().split('\n').map(indent)),
    ...(pair === null ? [] : part('One pair, whole', [renderPair(pair)])),
  ].join('\n');
}

export interface NextSteps {
  readonly url: string;
  /** File with the body of a real request, and the run folder: as to be typed in the current folder. */
  readonly bodyFile: string;
  readonly runDir: string;
  readonly metricsUrl: string;
  readonly keepsServing: boolean;
}

/** Empty lines stay empty. */
function indent(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

/** What to type next, ready to paste. */
export function renderNextSteps(steps: NextSteps, styles: Styles): string {
  const run = `--run ${shellQuote(steps.runDir)}`;
  const command = 'npm run --silent understudy --';
  if (!steps.keepsServing) {
    return `\nRun ${styles.bold('npm start')} to have it keep serving and to try the commands.\n`;
  }
  return [
    heading('Still serving: what to try next, in another terminal', styles),
    styles.dim('# score one loan by hand: the answer is the incumbent’s, a pair follows'),
    `curl -s ${steps.url} -d @${shellQuote(steps.bodyFile)}`,
    styles.dim('# see pairs as they are recorded'),
    `${command} pairs --follow ${run}`,
    styles.dim('# mirror a quarter of the traffic from now on; in force within a second'),
    `${command} rate set 0.25 --reason "trying it out" ${run}`,
    styles.dim('# both ledgers, with their sums checked'),
    `${command} status ${run}`,
    styles.dim('# is the candidate good enough? the evidence for each margin'),
    `${command} verdict ${run}`,
    styles.dim('# all that is known of it, as one page'),
    `${command} report --format html -o report.html ${run}`,
    styles.dim('# metrics for Prometheus'),
    `curl -s ${steps.metricsUrl}`,
    '',
    'Ctrl-C ends everything.',
    '',
  ].join('\n');
}

/** For a POSIX shell. */
function shellQuote(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
