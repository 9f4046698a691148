/**
 * A set for members that come and go with the traffic: each knows its place, so that both cost a push and a pop.
 *
 * Why not a `Set` or `Map`: V8 links a table that a set has outgrown to the one that follows it, for iterators that
 * may still stand on it (`OrderedHashTable::SetNextTable`, src/objects/ordered-hash-table.h). Deleted members take
 * room, so with members that come and go a table is outgrown all the time; and once one has got into the old
 * generation, it keeps all later ones alive, and who was in them then, until the next full collection. In the
 * mirror 11 % of all that was allocated survived for that alone (bench/RESULTS.md, "The mirror on one core").
 */

/** What can be in one `DenseSet` at a time. */
export interface Placed {
  /** Where it stands; -1: in no set. Written by the set alone. */
  place: number;
}

export class DenseSet<T extends Placed> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** @param member - is in no set */
  add(member: T): void {
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** @returns whether it was in this set, and is no more */
  delete(member: T): boolean {
    const { place } = member;
    if (this.#members[place] !== member) return false;
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = -1;
    return true;
  }

  /** Those that are in it now, in no order, whatever is added or deleted meanwhile. */
  members(): readonly T[] {
    return [...this.#members];
  }
}
