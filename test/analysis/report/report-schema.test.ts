/** The JSON of reports and verdicts is what its published schema says, both ways; texts lead to their formulas. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { Analysis } from '../../../src/analysis/analysis.ts';
import { type ReportModel, toReport } from '../../../src/analysis/report/report-model.ts';
import { toSections } from '../../../src/analysis/report/sections.ts';
import { renderVerdicts } from '../../../src/main/commands/render-verdict.ts';
import { REPORT_SCHEMA, toPublished, VERDICT_SCHEMA } from '../../tools/report-schema.ts';
import { FULL_COVERAGE, guardrail, pairOf, planOf, START_MS } from '../pairs.ts';

const FILES = [
  ['report', REPORT_SCHEMA],
  ['verdict', VERDICT_SCHEMA],
] as const;

/** A report in which each part has something. */
function fullReport(): ReportModel {
  const guardrails = (
    ['contract', 'errors', 'label_flips', 'score_difference', 'latency_slower'] as const
  ).map((kind) => guardrail(kind));
  const plan = planOf({
    ...{ guardrails, discover: ['/region'] },
    segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }],
  });
  const analysis = new Analysis(plan);
  for (let seq = 0; seq < 12_000; seq++) {
    const isBad = seq % 40 === 7;
    analysis.add(
      pairOf({
        seq,
        captured: { '/region': `r${seq % 40}`, '/tier': seq % 3 === 0 ? 'gold' : 'base' },
        incumbent: { score: (seq % 100) / 100, label: 'good' },
        candidate:
          seq % 900 === 5
            ? null
            : { score: seq === 77 ? 1.5 : (seq % 99) / 100, label: isBad ? 'bad' : 'good' },
        incumbentMs: 1 + (seq % 50),
      }),
    );
  }
  const attempt = {
    ...{ id: 1, plan, hash: 'h', profile: 'production', startedBy: 'ann', reason: 'first' },
    ...{ closedAt: '', closedReason: '', number: 1, baseline: [] },
  };
  const of = { attempt, attempts: 1, analysis, untilMs: START_MS + 120_000 };
  const leg = { epoch: 'e1', route: 'score', hour: 1, sizeClass: 'le_1k' as const };
  const legs = [{ ...leg, candidate: 'next', state: 'paired' as const, reason: '', count: 5 }];
  const breaker = { opens: 1, brokenMs: 2_000, uptimeMs: 3_600_000 };
  const settings = [{ at: new Date(START_MS + 1).toISOString(), text: 'rate of next 1 → 0.5' }];
  return toReport(
    { ...of, coverageAt: () => FULL_COVERAGE },
    { legs, settings, breakers: new Map([['next', breaker]]) },
  );
}

function emptyReport(): ReportModel {
  const plan = planOf();
  const attempt = {
    ...{ id: 1, plan, hash: 'h', profile: 'production', startedBy: '', reason: '' },
    ...{ closedAt: '', closedReason: '', number: 1, baseline: [] },
  };
  const of = { attempt, attempts: 1, analysis: new Analysis(plan), untilMs: 0 };
  return toReport(
    { ...of, coverageAt: () => FULL_COVERAGE },
    {
      ...{ legs: [], settings: [], breakers: new Map() },
    },
  );
}

/** Names of all fields in a value, with the path to each. */
function fieldsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    return [`${path}/${name}`, ...fieldsOf(each, `${path}/${name}`)];
  });
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

function fieldsOfSchema({ properties = {}, items, anyOf = [] }: Schema, path = ''): string[] {
  return [
    ...Object.entries(properties).flatMap(([name, each]) => {
      return [`${path}/${name}`, ...fieldsOfSchema(each, `${path}/${name}`)];
    }),
    ...(items === undefined ? [] : fieldsOfSchema(items, `${path}[]`)),
    ...anyOf.flatMap((each) => fieldsOfSchema(each, path)),
  ];
}

it.each(FILES)('schemas/%s-1.schema.json is as written by its tool', (name, schema) => {
  const file = readFileSync(`schemas/${name}-1.schema.json`, 'utf8');
  expect(JSON.parse(file), 'run test/tools/write-report-schemas.ts').toEqual(
    JSON.parse(toPublished(schema, `understudy.${name}/1`)),
  );
});

it('a report in JSON has the fields of its schema, and no others', () => {
  const reports = [fullReport(), emptyReport()];
  const json = JSON.parse(JSON.stringify({ schema: 'understudy.report/1', reports }));
  const schema = JSON.parse(readFileSync('schemas/report-1.schema.json', 'utf8'));
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  const [own, known] = [new Set(fieldsOf(json)), new Set(fieldsOfSchema(schema))];
  expect([...own].filter((field) => !known.has(field))).toEqual([]);
  // What only a candidate with outcomes has is not in these two reports.
  const missing = [...known].filter((field) => !own.has(field));
  const ofOutcomes = /quality|\/outcomes\/|\/headline\//;
  expect(missing.filter((field) => !ofOutcomes.test(field))).toEqual([]);
  expect(validate({ ...json, reports: [{}] })).toBe(false);
});

it('verdicts in JSON, too', () => {
  const json = JSON.parse(renderVerdicts([fullReport().verdict, emptyReport().verdict], 'json'));
  const schema = JSON.parse(readFileSync('schemas/verdict-1.schema.json', 'utf8'));
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  const known = new Set(fieldsOfSchema(schema));
  expect([...new Set(fieldsOf(json))].filter((field) => !known.has(field))).toEqual([]);
});

it('each section leads to a chapter of docs/statistics.md that is there', () => {
  const chapters = Array.from(
    readFileSync('docs/statistics.md', 'utf8').matchAll(/^#+ (.*)$/gm),
    ([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
  );
  for (const { anchor } of toSections(fullReport())) expect(chapters).toContain(anchor);
});
