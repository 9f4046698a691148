/** Edits of a JSON text by place, and which of them go on below a name or an index. */

/** One place, and what becomes of it. */
export interface JsonEdit {
  /** Of a JSON Pointer, at least one; `*` stands for any one token. */
  readonly tokens: readonly string[];
  /**
   * @param source - the value as it is written
   * @returns JSON instead of it; `null`: the member goes; an element of an array becomes `null`, so that the
   *   others keep their positions
   */
  readonly replace: (source: string) => string | null;
}

/**
 * The edits that go on below the tokens so far. What follows each name is found once: a body has as many tokens
 * as it likes, and a route many rules.
 */
export class Step {
  /** The one that ends here: the first of them. */
  readonly own: JsonEdit | undefined;
  /** Names that a token here may have, beside those for any; `null`: only those. */
  readonly #names: ReadonlySet<string> | null;
  readonly #edits: readonly JsonEdit[];
  readonly #depth: number;
  readonly #byName = new Map<string, Step>();
  #other: Step | null = null;

  /** @param depth - tokens so far */
  constructor(edits: readonly JsonEdit[], depth: number) {
    this.#depth = depth;
    this.own = edits.find(({ tokens }) => tokens.length === depth);
    // The outer one counts.
    this.#edits = this.own === undefined ? edits : [];
    const names = new Set(this.#edits.map(({ tokens }) => tokens[depth] ?? ''));
    names.delete('*');
    this.#names = names.size === 0 ? null : names;
  }

  /** Whether nothing below is edited. */
  get isLast(): boolean {
    return this.#edits.length === 0;
  }

  named(name: string): Step {
    if (this.#names?.has(name) !== true) return this.#unnamed();
    const known = this.#byName.get(name) ?? this.#next(name);
    this.#byName.set(name, known);
    return known;
  }

  element(index: number): Step {
    return this.#names === null ? this.#unnamed() : this.named(String(index));
  }

  #unnamed(): Step {
    this.#other ??= this.#next('*');
    return this.#other;
  }

  #next(name: string): Step {
    const depth = this.#depth;
    const edits = this.#edits.filter(
      ({ tokens }) => tokens[depth] === name || tokens[depth] === '*',
    );
    return edits.length === 0 ? NOTHING : new Step(edits, depth + 1);
  }
}

/** Where nothing is edited, and nothing below. */
export const NOTHING = new Step([], 0);
