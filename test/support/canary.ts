/** Secrets of a test, and the search for them: as they are, and in each form that a program might write them in. */
import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const CORE_CHARACTERS = 16;
const CONTEXT_BYTES = 60;

/** Canaries that are looked for together: they share 16 random characters, and each has a number of its own. */
export class Canaries {
  readonly #core: string;
  readonly #places: string[] = [];
  readonly #forms: ReadonlyMap<string, Buffer>;

  constructor() {
    const bytes = randomBytes(CORE_CHARACTERS);
    this.#core = Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
    this.#forms = formsOf(this.#core);
  }

  /**
   * A secret of 32 bytes, with characters that every escaping changes.
   *
   * @param place - where it is put: a failure names it
   */
  of(place: string): string {
    return this.#value(this.#places.push(place) - 1);
  }

  /** @returns a line for each form that is in the bytes, with what stands around it */
  foundIn(artefact: string, bytes: Buffer): string[] {
    const found: string[] = [];
    for (const [form, wanted] of this.#forms) {
      const at = bytes.indexOf(wanted);
      if (at === -1) continue;
      const around = bytes.toString('latin1', Math.max(0, at - CONTEXT_BYTES), at + CONTEXT_BYTES);
      found.push(`${artefact}: ${form}, ${this.#placeAt(bytes, at)}: ${JSON.stringify(around)}`);
    }
    const digests = digestsOf(this.#places.map((_, i) => this.#value(i)));
    for (const run of bytes.toString('latin1').match(/[0-9A-Za-z+/]{20,}/g) ?? []) {
      const of = digests.get(run.slice(0, 20)) ?? digests.get(run.slice(0, 32).toLowerCase());
      if (of !== undefined) found.push(`${artefact}: a digest, ${this.#places[of]}`);
    }
    return found;
  }

  #value(number: number): string {
    const digits = String(number).padStart(3, '0');
    return `"<&${this.#core}${digits}\\%+/=;'$>,`.padEnd(32, '~');
  }

  #placeAt(bytes: Buffer, at: number): string {
    const digits = bytes.toString('latin1', at + CORE_CHARACTERS, at + CORE_CHARACTERS + 3);
    return this.#places[Number(digits)] ?? 'somewhere';
  }
}

/** Plain is also what JSON, HTML, URLs and shells make of letters and digits. */
function formsOf(core: string): Map<string, Buffer> {
  const bytes = Buffer.from(core);
  const hex = bytes.toString('hex');
  const each = (write: (code: string) => string) => hex.match(/../g)?.map(write).join('') ?? '';
  const forms: [string, string][] = [
    ['plain', core],
    ['hex', hex],
    ['hex, upper case', hex.toUpperCase()],
    ['percent-encoded', each((code) => `%${code}`)],
    ['percent-encoded, upper case', each((code) => `%${code.toUpperCase()}`)],
    ['escaped as in JSON', each((code) => `\\u00${code}`)],
    ['escaped as in C', each((code) => `\\x${code}`)],
    ['reversed', [...core].reverse().join('')],
  ];
  for (const shift of [0, 1, 2]) {
    // Its first and last characters depend on what stands beside it.
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const inner = encoded.slice(shift === 0 ? 0 : 4, -4);
    forms.push([`base64, alignment ${shift}`, inner]);
    forms.push([`base64url, alignment ${shift}`, inner.replace(/\+/g, '-').replace(/\//g, '_')]);
  }
  const map = new Map(forms.map(([name, text]) => [name, Buffer.from(text)]));
  return map.set('UTF-16', Buffer.from(core, 'utf16le'));
}

/** A digest without a key lets a reader try values. Its beginning, in hex and base64 → number of the value. */
function digestsOf(values: readonly string[]): Map<string, number> {
  const digests = new Map<string, number>();
  for (const [i, value] of values.entries()) {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      const digest = createHash(algorithm).update(value).digest();
      digests.set(digest.toString('hex').slice(0, 32), i);
      digests.set(digest.toString('base64').slice(0, 20), i);
    }
  }
  return digests;
}
