import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { knownKeys, patternOf } from '../../src/config/keys.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { configJsonSchema } from '../../src/config/schema.ts';
import type { KeyPath } from '../../src/config/source.ts';

const FILE = 'config/understudy.yaml';

/** The file with each commented key in force. */
const uncommented = readFileSync(FILE, 'utf8')
  .replace(/^( *)#(?=[^ \n#])/gm, '$1')
  .replace(/(headers|rules): \[\]\n/g, '$1:\n');

function leaves(value: unknown, path: KeyPath = []): [path: KeyPath, value: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [[path, value], ...entries.flatMap(([key, child]) => leaves(child, [...path, key]))];
}

describe('config/understudy.yaml', () => {
  const written = parseDocument(uncommented).toJS();

  it('loads as it stands, with the defaults that are documented', () => {
    const config = loadConfig(FILE, {});
    expect(config).toMatchObject({
      experiment: DEFAULTS.experiment,
      gateway: DEFAULTS.gateway,
      mirror: DEFAULTS.mirror,
      journal: DEFAULTS.journal,
      kafka: null,
      log: DEFAULTS.log,
    });
  });

  it('loads with every commented key in force', () => {
    const config = parseConfig(Buffer.from(uncommented), FILE);
    expect(config.candidates.map(({ kind }) => kind)).toEqual(['http', 'onnx']);
    expect(config.kafka).toMatchObject({ ...DEFAULTS.kafka, tls: DEFAULTS.kafkaTls, sasl: {} });
  });

  it('has every key of the schema, and no other', () => {
    const paths = new Set(leaves(written).map(([path]) => patternOf(path)));
    // Both kinds share these; the file shows them once. A header has one of the two.
    const once = /^candidates\[\]\.(prediction\..*|headers\[\]\.value)$/;
    const known = knownKeys().map(({ path }) => path);
    expect(known.filter((path) => !paths.has(path) && !once.test(path))).toEqual([]);
    const elements = /(^|\[\])$|\[\]$/;
    expect([...paths].filter((path) => !known.includes(path) && !elements.test(path))).toEqual([]);
  });

  it('shows the defaults of the code', () => {
    const defaults = new Map(
      knownKeys()
        .filter((key) => key.default !== undefined && typeof key.default !== 'object')
        .map((key) => [key.path, key.default]),
    );
    const wrong = leaves(written)
      .filter(([path]) => defaults.has(patternOf(path)) && path.join('.') !== 'candidates.1.kind')
      .filter(([path, value]) => value !== defaults.get(patternOf(path)))
      .map(([path, value]) => `${patternOf(path)}: ${String(value)}`);
    expect(wrong).toEqual([]);
    expect(defaults.size).toBeGreaterThan(40);
    expect(written.routes[0].methods).toEqual(DEFAULTS.route.methods);
    expect(written.candidates[1].labels).toEqual(DEFAULTS.onnx.labels);
  });
});

describe('schemas/config.schema.json', () => {
  it('is made from the code: run test/tools/write-config-schema.ts', () => {
    expect(JSON.parse(readFileSync('schemas/config.schema.json', 'utf8'))).toEqual(
      configJsonSchema(),
    );
  });

  it('describes every key', () => {
    expect(knownKeys().filter((key) => key.description === '')).toEqual([]);
  });

  it('names the defaults of DEFAULTS', () => {
    const of = (path: string) => knownKeys().find((key) => key.path === path)?.default;
    expect(of('gateway.connectTimeoutMs')).toBe(DEFAULTS.gateway.connectTimeoutMs);
    expect(of('admin.listen')).toBe(`${DEFAULTS.admin.host}:${DEFAULTS.admin.port}`);
    expect(of('metrics.listen')).toBe(`${DEFAULTS.metrics.host}:${DEFAULTS.metrics.port}`);
  });
});
