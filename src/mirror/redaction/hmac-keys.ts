/**
 * The keys that values are hashed with before anything leaves the mirror. The first of the configuration is in
 * use; older ones stay known, so that values can be joined over a rotation (`understudy hmac`).
 */
import { createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../../config/defaults.ts';
import type { HmacKeyConfig } from '../../config/types.ts';
import type { Log } from '../../telemetry/log-lines.ts';

/** Hex digits of a hash that are kept: 128 bits. */
const HASH_CHARACTERS = 32;

/**
 * A value as it is sent or stored: `hmac:KEY_ID:` and the first 128 bits of HMAC-SHA256, in hex.
 *
 * @param text - hashed as UTF-8
 * Source: RFC 2104; truncation: NIST SP 800-107 §5.3.1.
 */
export function toHmac({ id, key }: { id: string; key: Buffer }, text: string): string {
  const mac = createHmac('sha256', key).update(text, 'utf8').digest('hex');
  return `hmac:${id}:${mac.slice(0, HASH_CHARACTERS)}`;
}

/**
 * The bytes of a key file without line ends at its end.
 *
 * @throws {Error} when it cannot be read, or has not LIMITS.hmacKeyBytesMin to …Max bytes
 */
export function readHmacKey(file: string): Buffer {
  const { hmacKeyBytesMin: min, hmacKeyBytesMax: max } = LIMITS;
  const { size } = statSync(file);
  if (size > max + 2) throw new Error(`${file} has over ${max} bytes`);
  const bytes = readFileSync(file);
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  if (end >= min && end <= max) return bytes.subarray(0, end);
  throw new Error(`${file} has ${end} bytes; expected ${min} to ${max}`);
}

/**
 * The key in use. An id means one key for as long as the process lives: a file that is missing is looked at
 * again, one that changes is not taken over, since the same id would stand for two keys. New keys get new ids.
 */
export class HmacKeys {
  readonly #config: HmacKeyConfig | undefined;
  readonly #log: Pick<Log, 'warn'>;
  readonly #timer: NodeJS.Timeout | undefined;
  #key: Buffer | null = null;
  #isReported = false;

  constructor(keys: readonly HmacKeyConfig[], log: Pick<Log, 'warn'>) {
    this.#log = log;
    [this.#config] = keys;
    if (this.#config === undefined) return;
    this.#look();
    if (this.#key === null) {
      this.#timer = setInterval(() => this.#look(), LIMITS.headerFilePollMs).unref();
    }
  }

  /** `null`: there is none that could be used yet; then nothing may be hashed, and so nothing sent. */
  get current(): { readonly id: string; readonly key: Buffer } | null {
    if (this.#config === undefined || this.#key === null) return null;
    return { id: this.#config.id, key: this.#key };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const config = this.#config;
    if (config === undefined) return;
    try {
      this.#key = readHmacKey(config.file);
      clearInterval(this.#timer);
    } catch (error) {
      if (this.#isReported) return;
      this.#isReported = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn('a key for redaction cannot be used; no copy is made of what needs it', {
        code: 'UND_HMAC_KEY',
        key: config.id,
        reason,
      });
    }
  }
}
