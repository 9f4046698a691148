import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The rooms of `src/` and what each may import; `docs/architecture.md` has the reasons. Besides these, every room
 * may import `errors.ts`, `dense-set.ts`, `config/defaults.ts` and `config/types.ts`.
 */
const ROOMS: Record<string, { rooms: string[]; packages: boolean }> = {
  main: { rooms: ['*'], packages: true },
  config: { rooms: [], packages: true },
  gateway: { rooms: ['framing', 'wire', 'telemetry'], packages: false },
  framing: { rooms: [], packages: false },
  wire: { rooms: [], packages: false },
  mirror: {
    rooms: ['wire', 'framing', 'prediction', 'pair', 'record', 'telemetry'],
    packages: true,
  },
  model: { rooms: ['prediction', 'telemetry'], packages: true },
  prediction: { rooms: [], packages: true },
  pair: { rooms: [], packages: true },
  record: { rooms: ['pair', 'wire', 'telemetry'], packages: true },
  analysis: { rooms: ['pair', 'record', 'telemetry'], packages: true },
  admin: {
    rooms: ['config', 'wire', 'pair', 'record', 'analysis', 'telemetry'],
    packages: true,
  },
  telemetry: { rooms: [], packages: false },
  consumer: { rooms: ['pair', 'record'], packages: true },
  demo: { rooms: ['pair', 'record', 'admin', 'telemetry', 'wire'], packages: true },
};

/** The logger is the one file of telemetry with a package, and the one that a gateway must not import. */
const LOGGER = 'src/telemetry/logger.ts';
const SHARED = new Set([
  'src/errors.ts',
  'src/dense-set.ts',
  'src/config/defaults.ts',
  'src/config/types.ts',
]);
const CEILING_LINES = 400;

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('src', name))
  .sort();

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  );
  return Array.from(statements, (m) => {
    const specifier = m[2] ?? m[3] ?? '';
    const target = specifier.startsWith('.')
      ? normalize(join(dirname(file), specifier))
      : specifier;
    return { file, target, typeOnly: m[1] !== undefined };
  });
}

const roomOf = (path: string): string => path.split('/')[1] ?? '';
const isBuiltin = (name: string): boolean =>
  name.startsWith('node:') || builtinModules.includes(name);

const imports = files.flatMap(importsOf);

/** What a program of `src/` loads, types apart: its files, and who of them imports which package. */
function loadedBy(entry: string): { loaded: Set<string>; packages: string[] } {
  const loaded = new Set<string>();
  const packages: string[] = [];
  const visit = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const { target, typeOnly } of importsOf(file)) {
      if (typeOnly || isBuiltin(target)) continue;
      if (target.startsWith('src/')) visit(target);
      else packages.push(`${file} imports ${target}`);
    }
  };
  visit(entry);
  return { loaded, packages };
}

describe('the structure of src/', () => {
  it('has no room but the known ones', () => {
    const rooms = new Set(files.filter((f) => f.split('/').length > 2).map(roomOf));
    expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
  });

  it('imports between rooms only as the table allows', () => {
    const odd = imports.filter(({ file, target }) => {
      if (!target.startsWith('src/') || SHARED.has(target) || file === 'src/errors.ts')
        return false;
      const from = roomOf(file);
      const to = roomOf(target);
      const allowed = ROOMS[from]?.rooms ?? [];
      return from !== to && !allowed.includes('*') && !allowed.includes(to);
    });
    expect(odd.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('imports packages only in the rooms that may', () => {
    const odd = imports.filter(
      ({ file, target }) =>
        !target.startsWith('src/') &&
        !isBuiltin(target) &&
        ROOMS[roomOf(file)]?.packages !== true &&
        file !== LOGGER,
    );
    expect(odd.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('keeps packages out of all that a gateway loads', () => {
    const { loaded, packages } = loadedBy('src/main/gateway.ts');
    expect(packages).toEqual([]);
    expect(loaded.size).toBeGreaterThan(10);
  });

  it('keeps Kafka’s client, and with it compression, in the publisher’s thread', () => {
    const names = (entry: string) => loadedBy(entry).packages.filter((p) => p.includes('kafka'));
    expect(names('src/main/mirror.ts')).toEqual([]);
    expect(names('src/main/recorder.ts')).toEqual([]);
    expect(names('src/main/publisher.ts')).not.toEqual([]);
  });

  it('has no import cycle', () => {
    const graph = Map.groupBy(
      imports.filter(({ target, typeOnly }) => target.startsWith('src/') && !typeOnly),
      ({ file }) => file,
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file)) return;
      for (const { target } of graph.get(file) ?? []) walk(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(cycles).toEqual([]);
  });

  it(`keeps every file within ${CEILING_LINES} lines`, () => {
    const long = files.filter((f) => readFileSync(f, 'utf8').split('\n').length > CEILING_LINES);
    expect(long).toEqual([]);
  });

  it('has no file with a vague name', () => {
    expect(files.filter((f) => /\/(utils?|helpers?|common|manager|misc)\b/.test(f))).toEqual([]);
  });
});
