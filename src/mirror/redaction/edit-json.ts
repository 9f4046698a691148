/**
 * Edits values of a JSON text where they stand: every other byte stays as it was, so that numbers keep their
 * digits and members their order. A member that stands twice is edited twice, and a name is known however it is
 * escaped, since which one a reader takes is its own choice. Pure.
 */
import { LIMITS } from '../../config/defaults.ts';
import { type JsonEdit, NOTHING, Step } from './edit-step.ts';

/**
 * Applies edits; where two meet, the outer one counts, and of two at one place the first.
 *
 * @returns `null` where the text is no JSON without doubt: then nothing of it may be used. Bare words such as
 *   NaN are taken for values; arrays and objects within each other beyond LIMITS.jsonDepth are in doubt.
 */
export function editJson(text: string, edits: readonly JsonEdit[]): string | null {
  const scan = new Scan(text);
  try {
    scan.blank();
    scan.value(new Step(edits, 0), 0);
    scan.blank();
  } catch (error) {
    if (error instanceof InDoubt) return null;
    throw error;
  }
  return scan.isAtEnd ? scan.result : null;
}

class InDoubt extends Error {}

const WORD = /[-+.0-9A-Za-z]+/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

class Scan {
  readonly #text: string;
  readonly #pieces: string[] = [];
  #at = 0;
  /** All before it stands in the pieces, or was left out. */
  #copied = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  get result(): string {
    if (this.#copied === 0) return this.#text;
    return this.#pieces.join('') + this.#text.slice(this.#copied);
  }

  blank(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    }
  }

  /** @param depth - arrays and objects around this value */
  value(step: Step, depth: number): void {
    const c = this.#text[this.#at];
    if (c === '{') this.#object(step, depth);
    else if (c === '[') this.#array(step, depth);
    else if (c === '"') this.#string();
    else this.#word();
  }

  #object(step: Step, depth: number): void {
    this.#enter(depth);
    if (this.#closes('}')) return;
    let lastComma = -1;
    let hasKept = false;
    for (;;) {
      const start = this.#at;
      if (this.#text[start] !== '"') throw new InDoubt();
      this.#string();
      const inner = step.isLast ? NOTHING : step.named(this.#nameFrom(start));
      this.blank();
      this.#take(':');
      this.blank();
      const isKept = this.#child(inner, depth + 1);
      // With nothing before it that stays, the comma after it goes instead.
      if (!isKept && hasKept) this.#cut(lastComma, this.#at, '');
      if (!isKept && !hasKept) this.#cut(start, this.#at, '');
      this.blank();
      if (this.#closes('}')) return;
      lastComma = this.#at;
      this.#take(',');
      if (!isKept && !hasKept) this.#cut(lastComma, this.#at, '');
      hasKept ||= isKept;
      this.blank();
    }
  }

  #array(step: Step, depth: number): void {
    this.#enter(depth);
    if (this.#closes(']')) return;
    for (let i = 0; ; i++) {
      const start = this.#at;
      if (!this.#child(step.element(i), depth + 1)) this.#cut(start, this.#at, 'null');
      this.blank();
      if (this.#closes(']')) return;
      this.#take(',');
      this.blank();
    }
  }

  /** @returns false where the value is to be left out; it has been read then, and is not yet cut */
  #child(step: Step, depth: number): boolean {
    const start = this.#at;
    this.value(step, depth);
    if (step.own === undefined) return true;
    const instead = step.own.replace(this.#text.slice(start, this.#at));
    if (instead === null) return false;
    this.#cut(start, this.#at, instead);
    return true;
  }

  #cut(from: number, to: number, instead: string): void {
    this.#pieces.push(this.#text.slice(this.#copied, from), instead);
    this.#copied = to;
  }

  #enter(depth: number): void {
    if (depth >= LIMITS.jsonDepth) throw new InDoubt();
    this.#at += 1;
    this.blank();
  }

  #closes(bracket: string): boolean {
    if (this.#text[this.#at] !== bracket) return false;
    this.#at += 1;
    return true;
  }

  #take(mark: string): void {
    if (!this.#closes(mark)) throw new InDoubt();
  }

  #string(): void {
    for (this.#at += 1; this.#at < this.#text.length; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === BACKSLASH) this.#at += 1;
      else if (c === QUOTE) {
        this.#at += 1;
        return;
      }
    }
    throw new InDoubt();
  }

  #word(): void {
    WORD.lastIndex = this.#at;
    if (!WORD.test(this.#text)) throw new InDoubt();
    this.#at = WORD.lastIndex;
  }

  #nameFrom(start: number): string {
    const name = parseText(this.#text.slice(start, this.#at));
    if (name === null) throw new InDoubt();
    return name;
  }
}

/** A string of JSON, unescaped; `null` where it is none that every reader takes. */
export function parseText(source: string): string | null {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
