/**
 * What a later revision of a published schema breaks, by the rule of docs/pair-record.md: within a version fields
 * may be added that are optional, and members to the lists that are open; everything else stays as it was.
 */
import { OPEN_LISTS } from '../../src/consumer/tolerant-schema.ts';

/** Keywords that only explain. */
const TEXTS = new Set(['title', 'description', '$comment', '$id']);

/** @returns each breach, as `place: what`; none where all is well */
export function breachesOf(published: unknown, current: unknown): string[] {
  return compare(published, current, '', '');
}

function compare(old: unknown, now: unknown, place: string, key: string): string[] {
  if (Array.isArray(old)) return compareLists(old, now, place, key);
  if (typeof old !== 'object' || old === null) {
    return old === now ? [] : [`${place}: ${JSON.stringify(old)} became ${JSON.stringify(now)}`];
  }
  if (typeof now !== 'object' || now === null) return [`${place}: is gone`];
  // A list's members stand under the list's own name, as the consumer library has it.
  const nameOf = (name: string): string => (name === 'items' ? key : name);
  const breaches = Object.entries(old).flatMap(([name, child]) => {
    if (TEXTS.has(name)) return [];
    const next = Object.hasOwn(now, name) ? Reflect.get(now, name) : undefined;
    if (next === undefined) return [`${place}/${name}: is gone`];
    const isOpen = name === 'enum' && OPEN_LISTS.has(key);
    if (isOpen) return missingMembers(child, next, `${place}/enum`);
    return compare(child, next, `${place}/${name}`, nameOf(name));
  });
  // New keywords narrow; new fields and definitions do not.
  const mayGrow = /\/(properties|\$defs)$/.test(place);
  const added = Object.keys(now).filter((name) => !Object.hasOwn(old, name) && !TEXTS.has(name));
  return mayGrow ? breaches : [...breaches, ...added.map((name) => `${place}/${name}: is new`)];
}

function compareLists(old: readonly unknown[], now: unknown, place: string, key: string): string[] {
  if (!Array.isArray(now)) return [`${place}: is gone`];
  if (place.endsWith('/required') || place.endsWith('/enum')) {
    return [...missingMembers(old, now, place), ...missingMembers(now, old, `${place} (new)`)];
  }
  if (old.length !== now.length) return [`${place}: ${old.length} became ${now.length}`];
  return old.flatMap((child, i) => compare(child, now[i], `${place}/${i}`, key));
}

function missingMembers(all: unknown, among: unknown, place: string): string[] {
  const known = new Set(Array.isArray(among) ? among : []);
  const members: unknown[] = Array.isArray(all) ? all : [];
  return members.filter((member) => !known.has(member)).map((member) => `${place}: ${member}`);
}
