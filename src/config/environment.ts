/**
 * Environment variables that stand in for keys of the file. The rule: `UNDERSTUDY_`, then the key path in
 * capitals, words and steps joined by `_`, list elements by their number:
 *
 *   gateway.connectTimeoutMs  UNDERSTUDY_GATEWAY_CONNECT_TIMEOUT_MS=500
 *   candidates[0].rate        UNDERSTUDY_CANDIDATES_0_RATE=0.1
 *   kafka.brokers             UNDERSTUDY_KAFKA_BROKERS=a:9092,b:9092
 *   kafka                     UNDERSTUDY_KAFKA=null, or {brokers: [a:9092]}: YAML on one line
 *
 * An empty variable counts as not set. An unknown one is an error, as an unknown key is, but for those that
 * Kubernetes makes of services and those that are no keys (`RESERVED`).
 */
import type { ConfigProblem } from '../errors.ts';
import { formatKeyPath, type KnownKey, knownKeys, nearest } from './keys.ts';
import { type KeyPath, parseSource } from './source.ts';

const PREFIX = 'UNDERSTUDY_';

/** Read by the command line, by tests and by deployments; not keys of the configuration. */
const RESERVED = /^UNDERSTUDY_(RUN|CONFIG|ADMIN_URL|TOKEN_FILE|(TEST|DEMO|COMPOSE)(_.*)?)$/;
/** `UNDERSTUDY_SERVICE_HOST`, `UNDERSTUDY_GATEWAY_PORT_8080_TCP_ADDR`: made for a service of that name. */
const KUBERNETES = /_(SERVICE_(HOST|PORT(_.*)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$/;

/** The file's value with the environment laid over it. */
export interface Overlay {
  readonly value: unknown;
  /** Key path, as written by `formatKeyPath` → the variable it came from. */
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
}

interface Override {
  readonly variable: string;
  readonly path: KeyPath;
  readonly value: unknown;
}

/** The variable of a key; `#` stands for the number of a list element. */
export function variableOf(steps: readonly string[]): string {
  const words = steps.map((step) =>
    step === '[]' ? '#' : step.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  );
  return PREFIX + words.join('_');
}

/**
 * @param value - the file's value; it is not changed
 * @param env - environment variables
 */
export function overlayEnvironment(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Overlay {
  const variables = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && env[name] !== '' && env[name] !== undefined)
    .filter((name) => !RESERVED.test(name) && !KUBERNETES.test(name))
    .sort();
  if (variables.length === 0) return { value, origins: new Map(), problems: [] };

  const keys = knownKeys();
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  const claimed = new Set<string>();
  // In the order of the schema: a whole section before a key in it.
  for (const key of keys) {
    for (const variable of variables) {
      const path = matchVariable(key, variable);
      if (path === null || claimed.has(variable)) continue;
      claimed.add(variable);
      const parsed = parseVariable(key, env[variable] ?? '');
      if ('expected' in parsed) {
        problems.push(
          problemOf(variable, formatKeyPath(path), env[variable] ?? '', parsed.expected),
        );
      } else overrides.push({ variable, path, value: parsed.value });
    }
  }
  const names = keys.map((key) => variableOf(key.steps));
  for (const variable of variables) {
    if (!claimed.has(variable)) problems.push(unknownVariable(variable, names));
  }
  const origins = new Map<string, string>();
  const root = { value: structuredClone(value ?? {}) };
  for (const override of overrides) {
    const fault = setIn(root, ['value', ...override.path], override.value);
    const path = formatKeyPath(override.path);
    if (fault === undefined) origins.set(path, override.variable);
    else problems.push(problemOf(override.variable, path, env[override.variable] ?? '', fault));
  }
  return { value: root.value, origins, problems };
}

function problemOf(file: string, path: string, value: string, expected: string): ConfigProblem {
  return { file, line: 0, column: 0, path, value: value.slice(0, 80), expected };
}

function unknownVariable(variable: string, names: readonly string[]): ConfigProblem {
  const pattern = variable.replace(/_\d+(?=_|$)/g, '_#');
  const near = nearest(pattern, names);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return problemOf(
    variable,
    '',
    '',
    `a variable that stands for a key of the configuration${hint}`,
  );
}

function matchVariable(key: KnownKey, variable: string): KeyPath | null {
  const pattern = variableOf(key.steps).replaceAll('#', '(\\d{1,4})');
  const match = new RegExp(`^${pattern}$`).exec(variable);
  if (match === null) return null;
  let group = 0;
  return key.steps.map((step) => {
    if (step !== '[]') return step;
    group += 1;
    return Number(match[group]);
  });
}

function parseVariable(key: KnownKey, text: string): { value: unknown } | { expected: string } {
  if (key.nullable && text === 'null') return { value: null };
  if (key.kind === 'text') return { value: text };
  if (key.kind === 'number') {
    return { value: text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text };
  }
  if (key.kind === 'boolean') {
    return { value: text === 'true' ? true : text === 'false' ? false : text };
  }
  if (key.textList && !text.trimStart().startsWith('[')) {
    return { value: text.split(',').map((item) => item.trim()) };
  }
  const parsed = parseSource(Buffer.from(text), '');
  if ('source' in parsed) return { value: parsed.source.value };
  return { expected: parsed.problems[0]?.expected ?? 'YAML on one line' };
}

/** Sets a value deep in a plain one; missing mappings and lists are made. Returns what is wrong. */
function setIn(root: unknown, path: KeyPath, value: unknown): string | undefined {
  let node = root;
  for (const [i, step] of path.entries()) {
    const slot = slotOf(node, step);
    if (typeof slot === 'string') return slot;
    if (i === path.length - 1) {
      slot.set(value);
      return undefined;
    }
    const child = slot.get();
    if (typeof child === 'object' && child !== null) node = child;
    else {
      node = typeof path[i + 1] === 'number' ? [] : {};
      slot.set(node);
    }
  }
  return undefined;
}

function slotOf(node: unknown, step: string | number) {
  if (Array.isArray(node)) {
    const index = Number(step);
    if (!(index <= node.length)) return `the number of a list element, 0 to ${node.length}`;
    return {
      get: (): unknown => node[index],
      set: (value: unknown): void => {
        node[index] = value;
      },
    };
  }
  return {
    get: (): unknown => Reflect.get(Object(node), step),
    set: (value: unknown): void => {
      Reflect.set(Object(node), step, value);
    },
  };
}
