/**
 * A published schema as a consumer uses it. Later revisions of a version may add optional fields, and members to
 * the lists that are open (docs/pair-record.md): a consumer that refused them would lose pairs at each upgrade.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** Lists of values that may grow within a version, by the name of the key they stand under. */
export const OPEN_LISTS: ReadonlySet<string> = new Set([
  'flags',
  'fields',
  'failure',
  'predictionError',
]);

/**
 * @param name - file in `schemas/`
 * @returns a check that knows all that the file says, but for unknown fields and open lists
 */
export function compileTolerant<T>(name: string): ValidateFunction<T> {
  const path = new URL(`../../schemas/${name}`, import.meta.url);
  const schema: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const ajv = new Ajv2020({ strict: false });
  return ajv.compile<T>(Object(relax(schema, '')));
}

function relax(node: unknown, key: string): unknown {
  if (Array.isArray(node)) return node.map((child) => relax(child, key));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).flatMap(([name, child]): [string, unknown][] => {
    if (name === 'additionalProperties' && child === false) return [];
    if (name === 'enum' && OPEN_LISTS.has(key)) return [['type', 'string']];
    // A list's members stand under the list's own name.
    return [[name, relax(child, name === 'items' ? key : name)]];
  });
  return Object.fromEntries(entries);
}
