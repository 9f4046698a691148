/**
 * A strict reader of Prometheus' text format 0.0.4: every rule of the format's page that a scrape relies on
 * is an error here.
 */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** Sample name and labels, as written → value. */
  readonly samples: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABELS = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/** @throws {Error} with the line that breaks a rule */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  let help: [string, string] | null = null;
  let current: [string, Family] | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (!NAME.test(name) || /\\(?![\\n])/.test(rest)) throw new Error(line);
      help = [name, rest];
    } else if (kind === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`TYPE without its HELP: ${line}`);
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(line);
      if (families.has(name)) throw new Error(`family twice: ${line}`);
      current = [name, { type: rest, help: help[1], samples: new Map() }];
      families.set(...current);
    } else {
      if (current === null) throw new Error(`sample before its family: ${line}`);
      addSample(line, ...current);
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function addSample(line: string, family: string, { type, samples }: Family): void {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = '', labels = '', value = ''] = match;
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family + suffix)) {
    throw new Error(`${name} is not of family ${family}`);
  }
  const key = `${name}{${sortedLabels(labels, line)}}`;
  if (samples.has(key)) throw new Error(`sample twice: ${line}`);
  samples.set(key, numberOf(value, line));
}

function sortedLabels(text: string, line: string): string {
  const names: string[] = [];
  const parts: string[] = [];
  LABELS.lastIndex = 0;
  while (LABELS.lastIndex < text.length) {
    const match = LABELS.exec(text);
    if (match === null) throw new Error(`bad labels: ${line}`);
    names.push(match[1] ?? '');
    parts.push(`${match[1]}="${match[2]}"`);
  }
  if (text.endsWith(',')) throw new Error(`comma at the end of labels: ${line}`);
  if (new Set(names).size !== names.length) throw new Error(`label twice: ${line}`);
  return parts.sort().join(',');
}

function numberOf(text: string, line: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) throw new Error(`no number: ${line}`);
  return Number(text);
}

function checkFamily(name: string, { type, samples }: Family): void {
  if (samples.size === 0) throw new Error(`${name} has no sample`);
  if (type === 'counter') {
    if (!name.endsWith('_total')) throw new Error(`counter without _total: ${name}`);
    for (const [key, value] of samples) if (value < 0) throw new Error(`negative: ${key}`);
  }
  if (type !== 'histogram') return;
  const series = new Map<string, [number, number][]>();
  for (const [key, value] of samples) {
    const match = /^\w+_bucket\{(.*)\}$/.exec(key);
    if (match === null) continue;
    const labels = (match[1] ?? '').split(',');
    const le = labels.find((label) => label.startsWith('le='))?.slice(4, -1) ?? '';
    const rest = labels.filter((label) => !label.startsWith('le=')).join(',');
    const bucket: [number, number] = [numberOf(le, key), value];
    series.set(rest, [...(series.get(rest) ?? []), bucket]);
  }
  for (const [labels, buckets] of series) checkBuckets(name, { labels, buckets, samples });
}

function checkBuckets(
  name: string,
  of: { labels: string; buckets: [number, number][]; samples: Map<string, number> },
): void {
  const { labels, buckets, samples } = of;
  let below = 0;
  let bound = Number.NEGATIVE_INFINITY;
  for (const [le, value] of buckets) {
    if (le <= bound) throw new Error(`buckets of ${name}{${labels}} are not in order`);
    if (value < below) throw new Error(`buckets of ${name}{${labels}} are not cumulative`);
    [bound, below] = [le, value];
  }
  if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${name}{${labels}} has no +Inf`);
  if (samples.get(`${name}_count{${labels}}`) !== below) {
    throw new Error(`count of ${name}{${labels}} is not its +Inf bucket`);
  }
  if (!samples.has(`${name}_sum{${labels}}`)) throw new Error(`${name}{${labels}} has no sum`);
}
