/**
 * Short texts that come again and again, made once: methods, paths, hosts, options of Connection. Making a string
 * of bytes is a call out of JavaScript; finding one here costs a fourth. Only speed depends on what is found: each
 * text has one place by its hash, is compared byte by byte, and takes the place of another.
 */
import { latin1 } from './syntax.ts';

/** Places, a power of two, and bytes of the longest text that is kept: 32 KiB a process at most. */
const PLACES = 256;
const MAX_BYTES = 64;

export class RepeatedTexts {
  readonly #raw: string[] = new Array<string>(PLACES).fill('');
  readonly #made: string[] = new Array<string>(PLACES).fill('');
  readonly #make: (raw: string) => string;

  /** @param make - what is kept of a text; pure */
  constructor(make: (raw: string) => string) {
    this.#make = make;
  }

  /** @returns what is made of the bytes from `from` to `to` as text, a character a byte */
  read(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length > MAX_BYTES) return this.#make(latin1(bytes, from, to));
    let hash = length;
    for (let at = from; at < to; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    const place = hash & (PLACES - 1);
    const found = this.#raw[place] ?? '';
    if (isText(bytes, from, found, length)) return this.#made[place] ?? '';
    const raw = latin1(bytes, from, to);
    const made = this.#make(raw);
    this.#raw[place] = raw;
    this.#made[place] = made;
    return made;
  }
}

function isText(bytes: Buffer, from: number, text: string, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i += 1) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
