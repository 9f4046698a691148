/** Reports as one page that needs nothing else: no script, no net. Pure. All text is escaped. */

import { toInertCell } from './inert-cell.ts';
import { PAGE_STYLE } from './page-style.ts';
import { plotsOf } from './plots.ts';
import type { ReportModel } from './report-model.ts';
import type { Section, Table } from './section.ts';
import { toSections } from './sections.ts';
import { escapeXml } from './svg.ts';

/** Nothing may be loaded or run, whatever stands in the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export function toHtml(models: readonly ReportModel[]): string {
  const names = models.map(({ plan }) => plan.candidate).join(', ');
  const parts =
    models.length === 0 ? '<p>No candidate is judged yet.</p>' : models.map(toArticle).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeXml(`Understudy report: ${names}`)}</title><style>${PAGE_STYLE}</style></head>
<body>
${parts}
</body></html>
`;
}

function toArticle(model: ReportModel): string {
  const { candidate, experiment, verdict, drivers } = model.verdict;
  const why = drivers.map((driver) => `<p>${escapeXml(driver)}</p>`).join('');
  const sections = toSections(model).map((section) => toPart(section, model));
  return `<article><h1>${escapeXml(candidate)} <span class="verdict ${verdict}">${verdict}</span></h1>
<p class="soft">Experiment ${escapeXml(experiment)}</p>${why}
${sections.join('\n')}</article>`;
}

function toPart({ id, title, anchor, notes, tables }: Section, model: ReportModel): string {
  const plots = plotsOf(id, model);
  const place = `docs/statistics.md#${anchor}`;
  return [
    `<section><h2>${escapeXml(title)}</h2>`,
    ...notes.map((note) => `<p>${escapeXml(note)}</p>`),
    ...(plots === '' ? [] : [`<div class="plots">${plots}</div>`]),
    ...tables.map(toTable),
    `<p class="how">How it is computed: <a href="${place}">${place}</a></p></section>`,
  ].join('\n');
}

function toTable({ head, rows }: Table): string {
  const line = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}${classOf(cell)}>${escapeXml(toInertCell(cell))}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${line(head, 'th')}</thead><tbody>${rows.map((row) => line(row, 'td')).join('')}</tbody></table></div>`;
}

/** Numbers, with their unit, stand on one line. */
function classOf(cell: string): string {
  return /^-?[\d.,]+(e-?\d+)?( ms| %)?$/.test(cell) ? ' class="n"' : '';
}
