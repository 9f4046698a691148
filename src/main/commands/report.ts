/** `understudy report`: all that is known of candidates, to read and to attach to a change request. */
import { writeFileSync } from 'node:fs';
import { readAudit } from '../../admin/audit-reader.ts';
import { readMerged } from '../../analysis/merged-states.ts';
import { readReports } from '../../analysis/report/read-reports.ts';
import {
  type BreakerTime,
  type ReportModel,
  toReport,
} from '../../analysis/report/report-model.ts';
import { toHtml } from '../../analysis/report/to-html.ts';
import { toMarkdown } from '../../analysis/report/to-markdown.ts';
import { UnderstudyError } from '../../errors.ts';
import { JournalReader } from '../../record/journal/journal-reader.ts';
import type { MirrorStatus } from '../../record/mirror-status.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { readStatus } from '../../telemetry/status-socket.ts';
import { describeEntry } from './audit.ts';
import { findRunFolder, type InstanceOptions } from './instance.ts';
import { findDataFolder } from './pairs.ts';

export type ReportFormat = 'html' | 'md' | 'json';

export interface ReportOptions extends InstanceOptions {
  /** All candidates where it is missing. */
  readonly candidate?: string;
  readonly format: ReportFormat;
  /** Standard output where it is missing. */
  readonly output?: string;
  /** Data folder, where no instance is running. */
  readonly data?: string;
  /** Data folders of `analyse` and files of states, whose sum is reported. */
  readonly merge?: readonly string[];
}

/** @throws {UnderstudyError} `UND_USAGE` no such candidate, or the output cannot be written */
export async function printReport(options: ReportOptions): Promise<void> {
  const { output, format } = options;
  const text = render(chosen(await modelsOf(options), options.candidate), format);
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(output, text, { mode: 0o600 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UnderstudyError('UND_USAGE', `--output ${output} cannot be written: ${why}`);
  }
}

async function modelsOf(options: ReportOptions): Promise<ReportModel[]> {
  if (options.merge !== undefined) {
    const context = { legs: [], settings: [], breakers: new Map<string, BreakerTime>() };
    return readMerged(options.merge).map((input) => toReport(input, context));
  }
  return read(await findDataFolder(options), await readBreakers(options));
}

function read(dataDir: string, breakers: ReadonlyMap<string, BreakerTime>): ReportModel[] {
  const reader = JournalReader.open(dataDir);
  try {
    const { legs } = reader.books();
    const settings = readAudit(dataDir, 0).entries.map((entry) => {
      return { at: entry.at, text: describeEntry(entry) };
    });
    return readReports(dataDir, { legs, settings, breakers });
  } finally {
    reader.close();
  }
}

/** Of the mirror that runs; a report is also made of a data folder alone. */
async function readBreakers(options: ReportOptions): Promise<Map<string, BreakerTime>> {
  const breakers = new Map<string, BreakerTime>();
  if (options.data !== undefined) return breakers;
  try {
    const folder = await findRunFolder(options);
    const status = await readStatus<MirrorStatus>(folder.statusSocket('mirror'));
    for (const { name, guard } of status.candidates) {
      if (guard.breaker === null) continue;
      const { opens, brokenMs } = guard.breaker;
      breakers.set(name, { opens, brokenMs, uptimeMs: status.uptimeMs });
    }
  } catch {
    // No mirror answers: the copies that it kept back stand in the books all the same.
  }
  return breakers;
}

function chosen(models: readonly ReportModel[], candidate: string | undefined): ReportModel[] {
  const found = models.filter(({ plan }) => (candidate ?? plan.candidate) === plan.candidate);
  if (candidate === undefined || found.length > 0) return found;
  const names = models.map(({ plan }) => plan.candidate).join(', ') || 'none';
  throw new UnderstudyError(
    'UND_USAGE',
    `No candidate ${candidate} is judged; there are: ${names}.`,
  );
}

function render(models: readonly ReportModel[], format: ReportFormat): string {
  if (format === 'html') return toHtml(models);
  if (format === 'md') return toMarkdown(models);
  return `${toPrintableJson({ schema: 'understudy.report/1', reports: models }, 2)}\n`;
}
