/** `understudy report`: all that is known of candidates, to read and to attach to a change request. */
import { writeFileSync } from 'node:fs';
import { readAudit } from '../../admin/audit-reader.ts';
import { readReports } from '../../analysis/report/read-reports.ts';
import type { ReportModel } from '../../analysis/report/report-model.ts';
import { toHtml } from '../../analysis/report/to-html.ts';
import { toMarkdown } from '../../analysis/report/to-markdown.ts';
import { UnderstudyError } from '../../errors.ts';
import { JournalReader } from '../../record/journal-reader.ts';
import { describeEntry } from './audit.ts';
import type { InstanceOptions } from './instance.ts';
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
}

/** @throws {UnderstudyError} `UND_USAGE` no such candidate, or the output cannot be written */
export async function printReport(options: ReportOptions): Promise<void> {
  const { output, format } = options;
  const dataDir = await findDataFolder(options);
  const text = render(chosen(read(dataDir), options.candidate), format);
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

function read(dataDir: string): ReportModel[] {
  const reader = JournalReader.open(dataDir);
  try {
    const { legs } = reader.books();
    const settings = readAudit(dataDir, 0).entries.map((entry) => {
      return { at: entry.at, text: describeEntry(entry) };
    });
    return readReports(dataDir, { legs, settings });
  } finally {
    reader.close();
  }
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
  return `${JSON.stringify({ schema: 'understudy.report/1', reports: models }, null, 2)}\n`;
}
