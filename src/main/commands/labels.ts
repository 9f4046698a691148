/** `understudy labels import`: outcomes from a file, into a running instance or a data folder. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LabelsInfo } from '../../admin/label-routes.ts';
import type { AcceptedLabels } from '../../analysis/labels/check-entry.ts';
import {
  addCounts,
  type LabelCounts,
  type LabelEntry,
  NO_LABELS,
} from '../../analysis/labels/label-entry.ts';
import {
  formatOf,
  type LabelFormat,
  type LabelLine,
  readLabelLines,
} from '../../analysis/labels/label-lines.ts';
import { AnalysisStore } from '../../analysis/store.ts';
import { analysisPath } from '../../analysis/store-file.ts';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { printable } from '../printable.ts';
import { AdminApi, type InstanceOptions } from './instance.ts';

export interface LabelImportOptions extends InstanceOptions {
  /** By the file's name where it is missing. */
  readonly format?: LabelFormat;
  /** Data folder, where no instance is running. */
  readonly data?: string;
  readonly json: boolean;
}

/** Where outcomes go. */
interface Target {
  readonly accepted: AcceptedLabels;
  send(entries: readonly LabelEntry[]): Promise<LabelCounts>;
  end(): void;
}

/**
 * Imports a file: first every line of it is checked, and a file with a wrong line changes nothing; then its outcomes
 * are sent, some hundreds at a time. The same file again changes nothing.
 *
 * @throws {UnderstudyError} `UND_LABELS_FILE`, `UND_LABELS_LINE`, `UND_LABELS_OFF`, `UND_LABELS_FULL`; of the instance
 *   or the data folder, as `verdict`
 */
export async function importLabels(path: string, options: LabelImportOptions): Promise<void> {
  const format = options.format ?? formatOf(path);
  // It is read twice: what cannot be would give nothing the second time.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    const message = `${path} is no regular file, and is read twice: write the outcomes to a file first.`;
    throw new UnderstudyError('UND_LABELS_FILE', message);
  }
  const target = await findTarget(options);
  try {
    const { accepted } = target;
    const lines = (): AsyncGenerator<LabelLine> =>
      readLabelLines(createReadStream(path), format, { accepted, nowMs: Date.now() });
    await check(path, lines());
    const counts = await send(target, lines());
    const text = options.json ? `${JSON.stringify(counts)}\n` : describeCounts(counts);
    process.stdout.write(text);
  } catch (error) {
    if (error instanceof UnderstudyError || !isFileError(error)) throw error;
    const message = `${path} cannot be read: ${error.message}`;
    throw new UnderstudyError('UND_LABELS_FILE', message, { cause: error });
  } finally {
    target.end();
  }
}

export function describeCounts({ added, corrected, unchanged, outdated }: LabelCounts): string {
  const number = (count: number): string => count.toLocaleString('en-GB');
  return (
    `${number(added + corrected + unchanged + outdated)} outcomes: ${number(added)} new, ` +
    `${number(corrected)} corrected, ${number(unchanged)} as before, ${number(outdated)} outdated\n`
  );
}

async function check(path: string, lines: AsyncGenerator<LabelLine>): Promise<void> {
  const problems: string[] = [];
  let wrong = 0;
  let right = 0;
  for await (const each of lines) {
    if ('entry' in each) {
      right += 1;
      continue;
    }
    wrong += 1;
    if (problems.length < LIMITS.labelProblems) {
      problems.push(printable(`  ${path}:${each.line}: ${each.problem}`));
    }
  }
  if (wrong === 0 && right === 0) {
    throw new UnderstudyError('UND_LABELS_FILE', `${path} has no outcome.`);
  }
  if (wrong === 0) return;
  const more = wrong > problems.length ? `\n  and ${wrong - problems.length} more` : '';
  const message = `${wrong} wrong lines, no outcome was taken:\n${problems.join('\n')}${more}`;
  throw new UnderstudyError('UND_LABELS_LINE', message);
}

async function send(target: Target, lines: AsyncGenerator<LabelLine>): Promise<LabelCounts> {
  let counts = NO_LABELS;
  let batch: LabelEntry[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) counts = addCounts(counts, await target.send(batch));
    batch = [];
  };
  for await (const each of lines) {
    if (!('entry' in each)) continue;
    batch.push(each.entry);
    if (batch.length === LIMITS.labelBatch) await flush();
  }
  await flush();
  return counts;
}

async function findTarget(options: LabelImportOptions): Promise<Target> {
  if (options.data !== undefined) return openFolder(resolve(options.data));
  const api = await AdminApi.find(options);
  const accepted = await api.get<LabelsInfo>('/v1/labels');
  return {
    accepted,
    send: (entries) => api.post<LabelCounts>('/v1/labels', { labels: entries.map(toBody) }),
    end: () => {},
  };
}

function toBody({ key, label, atMs }: LabelEntry): object {
  return atMs === null ? { key, label } : { key, label, at: new Date(atMs).toISOString() };
}

function openFolder(folder: string): Target {
  if (!existsSync(analysisPath(folder))) {
    const message = `There is no analysis in ${folder}: name the data folder of an instance.`;
    throw new UnderstudyError('UND_LABELS_OFF', message);
  }
  const store = AnalysisStore.open(folder);
  const quality = store.attempts().findLast(({ plan }) => plan.quality !== undefined)?.plan.quality;
  if (quality === undefined) {
    store.end();
    const message = `No attempt in ${folder} judges outcomes: set analysis.labels.`;
    throw new UnderstudyError('UND_LABELS_OFF', message);
  }
  let lastMs = 0;
  return {
    accepted: quality,
    send: async (entries) => {
      lastMs = Math.max(lastMs + 1, Date.now());
      return store.takeLabels(entries, lastMs);
    },
    end: () => store.end(),
  };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
