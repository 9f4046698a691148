import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GATE_REASONS, VERDICTS } from '../src/analysis/verdict.ts';
import { CREDENTIAL_HEADERS, CREDENTIAL_PARAMETERS } from '../src/config/defaults.ts';
import { ERRORS } from '../src/errors.ts';
import { VERDICT_EXIT } from '../src/main/commands/verdict.ts';
import { LEG_REASONS, LEG_STATES } from '../src/pair/leg-states.ts';
import { PREDICTION_ERRORS } from '../src/pair/pair.ts';
import { EXCHANGE_REASONS, EXCHANGE_STATES } from '../src/wire/exchange-states.ts';

/** Documentation is held against the code, both ways: what is missing, and what no longer exists. */

/** Cells of the first column that are a code span, over all tables of a document. */
function firstColumn(document: string): string[] {
  return Array.from(document.matchAll(/^\| `([^`]+)` \|/gm), (m) => m[1] ?? '');
}

const read = (path: string): string => readFileSync(path, 'utf8');

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema | false;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Record<string, Schema>;
}

/** Key paths of a JSON Schema, `listeners[].name`, sections included. */
function keysOf(root: Schema, node: Schema = root, path = ''): string[] {
  const schema = node.$ref ? (root.$defs?.[node.$ref.slice('#/$defs/'.length)] ?? node) : node;
  const keys: string[] = [];
  for (const alternative of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    // Alternatives at the root only restrict what the properties say.
    if (path !== '') keys.push(...keysOf(root, alternative, path));
  }
  if (schema.items) keys.push(...keysOf(root, schema.items, `${path}[]`));
  for (const [name, value] of Object.entries(schema.properties ?? {})) {
    const key = path === '' ? name : `${path}.${name}`;
    keys.push(key, ...keysOf(root, value, key));
  }
  return keys;
}

describe('docs/errors.md', () => {
  const rows = Array.from(
    read('docs/errors.md').matchAll(/^\| `(UND_\w+)` \| (\w+) \| (yes|no) \| (.+) \|$/gm),
    ([, code, source, again]) => ({ code, source, retryable: again === 'yes' }),
  );

  it('has each code once, with its source and whether trying again helps', () => {
    const table = Object.entries(ERRORS).map(([code, row]) => ({
      code,
      source: row.source as string,
      retryable: row.retryable as boolean,
    }));
    const byCode = (a: { code?: string | undefined }, b: { code?: string | undefined }): number =>
      (a.code ?? '').localeCompare(b.code ?? '');
    expect(rows.sort(byCode)).toEqual(table.sort(byCode));
  });
});

describe('docs/configuration.md', () => {
  it('has each key of the schema once, and no other', () => {
    const schema = JSON.parse(read('schemas/config.schema.json')) as Schema;
    const sections = new Set(['listeners', 'routes', 'candidates', 'gateway', 'mirror']);
    for (const section of ['journal', 'kafka', 'admin', 'log']) sections.add(section);
    const keys = new Set(keysOf(schema).filter((key) => !sections.has(key)));
    expect(firstColumn(read('docs/configuration.md')).sort()).toEqual([...keys].sort());
  });
});

describe('docs/accounting.md', () => {
  const text = read('docs/accounting.md');

  it('has each state of exchanges and of legs', () => {
    const states = [...EXCHANGE_STATES, ...LEG_STATES].sort();
    expect(firstColumn(text).sort()).toEqual(states);
  });

  it('names each reason beside its state', () => {
    const missing: string[] = [];
    const tables = [EXCHANGE_REASONS, LEG_REASONS] as Record<string, readonly string[]>[];
    for (const [state, reasons] of tables.flatMap((table) => Object.entries(table))) {
      const lines = text.split('\n').filter((line) => line.startsWith(`| \`${state}\` |`));
      for (const reason of reasons.filter((r) => r !== '')) {
        if (!lines.some((line) => line.includes(`\`${reason}\``)))
          missing.push(`${state} ${reason}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  const text = read('docs/operations.md');

  it('says for each cap and each failure of the mirror what to do', () => {
    const states = ['shed', 'undecodable', 'ineligible', 'candidate_error'] as const;
    const missing = states.flatMap((state) =>
      LEG_REASONS[state].filter((reason) => {
        const rows = text.split('\n').filter((line) => line.startsWith(`| \`${state}(`));
        return !rows.some((line) => line.includes(`(${reason})`));
      }),
    );
    expect(missing).toEqual([]);
    expect(text).toContain('`breaker_open`');
  });

  it('names no metric that is not there', () => {
    const named = Array.from(text.matchAll(/`(understudy_\w+)/g), (m) => m[1] ?? '');
    const metrics = read('docs/metrics.md');
    expect(named.filter((name) => !metrics.includes(`\`${name}\``))).toEqual([]);
  });

  it('and docs/pair-record.md name every way in which an answer can be wrong', () => {
    const record = read('docs/pair-record.md');
    const told = (error: string) => new RegExp(`^\\| [a-z_, 0-9]*\\b${error}\\b`, 'm').test(record);
    expect(PREDICTION_ERRORS.filter((error) => !told(error))).toEqual([]);
  });
});

describe('docs/pair-record.md', () => {
  it('names each field of the schema once, and no other', () => {
    const schema = JSON.parse(read('schemas/pair-1.schema.json')) as Schema;
    const sections = new Set(['selection', 'request', 'incumbent', 'candidate', 'divergence']);
    const fields = new Set(keysOf(schema).filter((key) => !sections.has(key)));
    expect(firstColumn(read('docs/pair-record.md')).sort()).toEqual([...fields].sort());
  });
});

describe('docs/reading-a-report.md', () => {
  const text = read('docs/reading-a-report.md');

  it('has each gate once, and no other', () => {
    expect(firstColumn(text).sort()).toEqual([...GATE_REASONS].sort());
  });

  it('has each verdict with its exit code', () => {
    for (const verdict of VERDICTS) {
      expect(text).toMatch(new RegExp(`^\\| ${verdict} \\|`, 'm'));
      expect(text).toContain(`${VERDICT_EXIT[verdict]} ${verdict}`);
    }
  });
});

describe('docs/threat-model.md', () => {
  const lines = read('docs/threat-model.md').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && line.includes('test/'));

  it('names a test in each line that says what somebody can do, or a process can read', () => {
    const tables = lines.flatMap((line, i) => (/\| test \|$/.test(line) ? [i + 2] : []));
    const without = tables.flatMap((from) => {
      const to = lines.findIndex((line, i) => i >= from && !line.startsWith('|'));
      return lines.slice(from, to).filter((line) => !/\| test\/\S+\.test\.ts \|$/.test(line));
    });
    expect(tables.length).toBeGreaterThan(5);
    expect(without).toEqual([]);
  });

  it('names tests that are there', () => {
    const named = rows.flatMap((row) => row.match(/test\/[\w/.-]+\.ts/g) ?? []);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });
});

describe('docs/redaction.md', () => {
  const text = read('docs/redaction.md');
  const listed = (title: string): string[] => {
    const [, rest = ''] = text.split(`\n${title}`);
    const [block = ''] = rest.slice(rest.indexOf('\n\n') + 2).split('\n\n');
    return Array.from(block.matchAll(/`([^`]+)`/g), (m) => m[1] ?? '');
  };

  it('lists each header and parameter that is never sent, and no other', () => {
    expect(listed('Headers, in any case of letters:')).toEqual([...CREDENTIAL_HEADERS]);
    expect(listed('Query parameters, in any case')).toEqual([...CREDENTIAL_PARAMETERS]);
  });
});
