/** A journal that is written as a mirror does it, and the analysis that reads it, with a clock that tests turn. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { type AttemptEvent, Experiments } from '../../src/analysis/experiments.ts';
import { JournalSource } from '../../src/analysis/journal-source.ts';
import { AnalysisStore } from '../../src/analysis/store.ts';
import { analysisPath } from '../../src/analysis/store-file.ts';
import type { VerdictSummary } from '../../src/analysis/summary.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import type { LegState } from '../../src/pair/leg-states.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { RoomOptions } from '../../src/record/journal/journal-room.ts';
import type { LedgerUpdate } from '../../src/record/recorder-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type PairOptions, pairOf, START_MS } from './pairs.ts';

const ROOM: RoomOptions = {
  maxBytes: 2 ** 28,
  retentionMs: 1e12,
  maxAgeMs: 0,
  whenFull: 'drop_newest' as const,
  outbox: false,
};

/** One candidate `next`, segment `gold`, profile demo; cuts of 5 s and windows of a minute. */
export function rigConfig(folder: string, analysis = '{ profile: demo }', candidate = ''): Config {
  const yaml = `
experiment: parity
runDir: ${join(folder, 'run')}
dataDir: ${join(folder, 'data')}
listeners: [{ listen: '127.0.0.1:0', incumbent: '127.0.0.1:9' }]
routes: [{ name: score, path: /v1/score, capture: [/tier], prediction: { score: /score, label: /label } }]
candidates: [{ name: next, url: 'http://127.0.0.1:9' ${candidate} }]
analysis: ${analysis}
`;
  return parseConfig(Buffer.from(yaml), join(folder, 'understudy.yaml'));
}

export class JournalRig {
  readonly folder = tempFolder();
  readonly events: AttemptEvent[] = [];
  config = rigConfig(this.folder);
  readonly journal: Journal;
  #number = 0;
  #offered = 0;
  #shed = 0;
  #analysis: { store: AnalysisStore; experiments: Experiments; source: JournalSource } | null =
    null;

  constructor() {
    mkdirSync(this.config.dataDir, { recursive: true });
    this.journal = new Journal(journalPath(this.config.dataDir), ROOM);
    onTestFinished(() => {
      this.stop();
      this.journal.close();
    });
  }

  /** Commits pairs and, beside them, legs in other states, all at once. */
  write(pairs: readonly Pair[], counts: Partial<Record<LegState, number>> = {}, shed = 0): void {
    this.#number += 1;
    const last = pairs.at(-1);
    const timeMs = last === undefined ? START_MS : Date.parse(last.time);
    const hour = Math.floor(timeMs / 3_600_000);
    const leg = { epoch: 'e1', candidate: 'next', route: 'score', hour, sizeClass: 'le_1k' };
    const lost = Object.entries(counts).map(([state, count]) => {
      return { ...leg, state: state as LegState, reason: '', count };
    });
    this.#offered += pairs.length + lost.reduce((sum, { count }) => sum + count, 0);
    this.#shed += shed;
    const cell = { route: 'score', hour, sizeClass: 'le_1k' } as const;
    const ledger: LedgerUpdate = {
      ...{ epoch: 'e1', instance: 'host/gw0', offered: this.#offered, receivedAtMs: timeMs + 1e9 },
      state: 'live',
      ...{ foldedBefore: 0, configured: ['next|score'], unreportedMs: null },
      whole: true,
      cells: [
        { ...cell, state: 'offered', reason: '', count: this.#offered },
        { ...cell, state: 'shed', reason: 'wire_full', count: this.#shed },
      ],
    };
    const entries = pairs.map((pair) => ({
      leg,
      state: 'paired' as const,
      reason: '',
      id: pair.id,
      key: pair.key,
      experiment: pair.experiment,
      timeMs: Date.parse(pair.time),
      json: JSON.stringify(pair),
    }));
    const batch = { session: 's', number: this.#number, entries, counts: lost, ledgers: [ledger] };
    this.journal.commit(batch, [], timeMs);
  }

  /** Opens the analysis as its thread does. @param nowMs - Unix ms */
  start(nowMs = START_MS): void {
    this.stop();
    const reader = JournalReader.open(this.config.dataDir);
    const store = AnalysisStore.open(this.config.dataDir);
    const source = new JournalSource(reader, store.position('journal'));
    const onEvent = (event: AttemptEvent): void => void this.events.push(event);
    const of = { books: reader.books(), nowMs, onEvent };
    this.#analysis = { store, source, experiments: new Experiments(store, this.config, of) };
  }

  get store(): AnalysisStore {
    return this.#open().store;
  }

  get experiments(): Experiments {
    return this.#open().experiments;
  }

  /** Reads all pairs, closes cuts and judges, as of a moment; commits where not told otherwise. */
  read(nowMs: number, commit = true): VerdictSummary {
    const { experiments, source } = this.#open();
    for (;;) {
      const { pairs, done } = source.next();
      for (const pair of pairs) experiments.add(pair);
      if (done) break;
    }
    experiments.account(this.journal.books(), nowMs, source.missed);
    if (commit) experiments.commit({ journal: source.position });
    experiments.judge();
    return this.verdict();
  }

  verdict(): VerdictSummary {
    const [summary] = this.#open().experiments.summaries();
    if (summary === undefined) throw new Error('no verdict');
    return summary;
  }

  /** Ends without a commit, as a kill does. */
  stop(): void {
    this.#analysis?.store.end();
    this.#analysis = null;
  }

  #open(): { store: AnalysisStore; experiments: Experiments; source: JournalSource } {
    if (this.#analysis === null) throw new Error('not started');
    return this.#analysis;
  }
}

/** Pairs of an hour's traffic, 100 a second; by default of an identical candidate. */
export function traffic(
  from: number,
  to: number,
  toOptions: (seq: number) => Partial<PairOptions> = () => ({}),
): Pair[] {
  return Array.from({ length: to - from }, (_, i) =>
    pairOf({ seq: from + i, ...toOptions(from + i) }),
  );
}

/** All that the store holds, as text; but for the name of the journal's file. */
export function contentOf({ config }: { readonly config: Pick<Config, 'dataDir'> }): string {
  const db = new DatabaseSync(analysisPath(config.dataDir), { readOnly: true });
  const tables = ['states', 'sources', 'coverage', 'cuts'];
  const rows = tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all());
  db.close();
  return JSON.stringify(rows).replace(/"generation\\":\\"[^"]*"/g, '');
}
