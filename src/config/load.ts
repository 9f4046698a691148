/** File and environment → one frozen `Config`, or one `ConfigError` that names everything wrong. */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from '../errors.ts';
import { crossCheck, type Finding } from './cross-checks.ts';
import { LIMITS } from './defaults.ts';
import { type Overlay, overlayEnvironment } from './environment.ts';
import { formatKeyPath, knownKeys, nearest, patternOf } from './keys.ts';
import { resolveConfig } from './resolve.ts';
import { optionsSchema } from './schema.ts';
import { type KeyPath, parseSource, type Source } from './source.ts';
import type { Config } from './types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads a configuration. Blocking: called once, before anything is started.
 *
 * @param file - path of a YAML file, at most 1 MiB; relative paths in it start at its folder
 * @param env - see environment.ts
 * @throws {ConfigError} `UND_CONFIG_UNREADABLE` the file is missing, too large, not UTF-8 or not YAML;
 *   `UND_CONFIG_INVALID` unknown keys, wrong values; `UND_SOCKET_PATH_LONG` the run folder's path is too long
 */
export function loadConfig(file: string, env: Environment = process.env): Config {
  return parseConfig(readFile(file), file, env);
}

/** `loadConfig` of bytes that are already there. */
export function parseConfig(bytes: Uint8Array, file: string, env: Environment = {}): Config {
  const parsed = parseSource(bytes, file);
  if ('problems' in parsed)
    throw new ConfigError('UND_CONFIG_UNREADABLE', firstOf(parsed.problems));
  const { source } = parsed;
  const overlay = overlayEnvironment(withoutEmptySections(source.value), env);
  const checked = optionsSchema.safeParse(overlay.value, { reportInput: true });
  const findings = [
    ...(checked.error?.issues ?? []).flatMap((issue) => findingsOf(issue, overlay.value)),
    ...crossCheck(overlay.value),
  ];
  const problems = [
    ...findings.map((finding) => locate(finding, source, overlay)),
    ...overlay.problems,
  ].sort((a, b) => a.line - b.line || a.column - b.column);
  if (problems.length > 0 || !checked.success) {
    throw new ConfigError('UND_CONFIG_INVALID', firstOf(withoutRepeats(problems)));
  }
  const config = resolveConfig(checked.data, dirname(resolve(file)));
  checkSocketPaths(config, source);
  return config;
}

function readFile(file: string): Uint8Array {
  const bytes = Buffer.alloc(LIMITS.configBytes + 1);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    try {
      // To the end, since a pipe or a file of /dev gives it in pieces.
      for (let n = -1; n !== 0 && length < bytes.length; length += n) {
        n = readSync(fd, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const hint = '; --config or UNDERSTUDY_CONFIG names another';
    throw unreadable(file, `a readable file (${errorText(cause)})${hint}`, cause);
  }
  if (length > LIMITS.configBytes) {
    throw unreadable(file, `a file of at most ${LIMITS.configBytes} bytes`);
  }
  return bytes.subarray(0, length);
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unreadable(file: string, expected: string, cause?: unknown): ConfigError {
  const problem = { file, line: 0, column: 0, path: '', value: '', expected };
  return new ConfigError('UND_CONFIG_UNREADABLE', [problem], { cause });
}

/** Sections whose keys are all commented out are as good as absent; `kafka` and `metrics` may be null. */
const SECTIONS = ['gateway', 'mirror', 'redaction', 'journal', 'admin', 'log'];

function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? {};
  return Object.fromEntries(
    Object.entries(value).filter(([key, section]) => section !== null || !SECTIONS.includes(key)),
  );
}

/** What zod found, in our words. The schema's own messages say what was expected. */
function findingsOf(issue: z.core.$ZodIssue, root: unknown): (Finding & { key?: true })[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], valueAt(root, [...path, key])));
  }
  const value = valueAt(root, path);
  return [{ path, value, expected: expectation(issue, value) }];
}

function unknownKey(path: KeyPath, value: unknown): Finding & { key: true } {
  const parent = patternOf(path.slice(0, -1));
  const siblings = knownKeys()
    .filter((key) => key.path.replace(/\.?[^.[\]]+$/, '') === parent)
    .map((key) => key.steps.at(-1) ?? '');
  const near = nearest(String(path.at(-1)), siblings);
  const expected =
    near === undefined
      ? `one of the keys ${siblings.join(', ')}`
      : `a known key (did you mean ${near}?)`;
  return { path, value, expected, key: true };
}

function expectation(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_type' && issue.expected === 'object') return 'a mapping of keys';
  if (issue.code === 'invalid_type' && issue.expected === 'string' && value !== undefined) {
    const plain = typeof value === 'number' || typeof value === 'boolean';
    return plain ? `${issue.message}; as text, in quotes` : issue.message;
  }
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'another key';
  return issue.message;
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((node, step) => {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return undefined;
    return Reflect.get(node, step);
  }, root);
}

/** Where a finding stands: an environment variable, or a place in the file. */
function locate(
  finding: Finding & { key?: true },
  source: Source,
  overlay: Overlay,
): ConfigProblem {
  const { path, value, expected } = finding;
  const common = { path: formatKeyPath(path), value: describe(value), expected };
  for (let length = path.length; length > 0; length--) {
    const variable = overlay.origins.get(formatKeyPath(path.slice(0, length)));
    if (variable !== undefined) return { file: variable, line: 0, column: 0, ...common };
  }
  const place = finding.key === true ? source.placeOfKey(path) : source.placeOf(path);
  return { file: source.file, ...place, ...common };
}

/** A value as it was written, near enough, at most 80 characters. */
function describe(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && value !== '' ? value : (JSON.stringify(value) ?? '');
  const line = text.replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

function withoutRepeats(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ file, path, expected }) => {
    const key = `${file}|${path}|${expected}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** A file of another kind can have a problem a line; the first ones tell enough. */
function firstOf(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const first = problems.slice(0, LIMITS.configProblems);
  const rest = problems.length - first.length;
  const last = first.at(-1);
  if (rest === 0 || last === undefined) return first;
  const expected = `fewer problems: ${rest} more are not shown`;
  return [...first, { ...last, path: '', value: '', expected }];
}

/** The kernel's limit is met here, with its reason; a process would meet it as a bare EINVAL. */
function checkSocketPaths(config: Config, source: Source): void {
  const sockets = [
    'supervisor-backstage.sock',
    ...config.candidates.filter((c) => c.kind === 'onnx').map((c) => `model-${c.name}.http.sock`),
  ];
  const paths: [KeyPath, string, string][] = sockets.map((name) => {
    return [['runDir'], config.runDir, join(config.runDir, name)];
  });
  for (const [i, { address, incumbent }] of config.listeners.entries()) {
    if ('path' in address) paths.push([['listeners', i, 'listen'], address.path, address.path]);
    if ('path' in incumbent) {
      paths.push([['listeners', i, 'incumbent'], incumbent.path, incumbent.path]);
    }
  }
  for (const [key, value, path] of paths) {
    const excess = Buffer.byteLength(path) - LIMITS.socketPathBytes;
    if (excess <= 0) continue;
    throw new ConfigError('UND_SOCKET_PATH_LONG', [
      {
        file: source.file,
        ...source.placeOf(key),
        path: formatKeyPath(key),
        value: describe(value),
        expected: `a path shorter by ${excess} bytes: a socket's may have ${LIMITS.socketPathBytes}`,
      },
    ]);
  }
}
