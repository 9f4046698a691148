/** Reports as Markdown (GFM tables). Pure. What comes from traffic and operators is text, never markup. */
import { toInertCell } from './inert-cell.ts';
import type { ReportModel } from './report-model.ts';
import { toSections } from './sections.ts';

export function toMarkdown(models: readonly ReportModel[]): string {
  if (models.length === 0) return 'No candidate is judged yet.\n';
  return models.map(toPart).join('\n');
}

function toPart(model: ReportModel): string {
  const { candidate, experiment, verdict } = model.verdict;
  const lines = [`# ${escaped(candidate)}: ${verdict}`, '', `Experiment ${escaped(experiment)}.`];
  for (const { title, anchor, notes, tables } of toSections(model)) {
    lines.push('', `## ${title}`, '');
    for (const note of notes) lines.push(escaped(note), '');
    for (const { head, rows } of tables) {
      lines.push(
        row(head),
        row(head.map(() => '---')),
        ...rows.map((each) => row(each.map((cell) => escaped(toInertCell(cell))))),
        '',
      );
    }
    lines.push(`How it is computed: docs/statistics.md#${anchor}`);
  }
  return `${lines.join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Markup, HTML and what GFM makes a link by itself escaped; line ends and ANSI sequences replaced. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]|~#!@]/g, '\\$&')
    .replaceAll('://', ':\\/\\/')
    .replace(/\bwww\./gi, '$&\u200b');
}
