/** The admin token as its file has it now: an operator who changes the file need not restart anything. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Config } from '../config/types.ts';
import { adminTokenFile, readAdminToken } from './admin-token.ts';

export interface TokenLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export class LiveToken {
  readonly #config: Pick<Config, 'admin' | 'dataDir'>;
  readonly #log: TokenLog;
  /** Its SHA-256: texts of any length are compared in one time. */
  #digest: Buffer;
  #version: string;

  /**
   * Reads the token, and makes it first where there is none.
   *
   * @throws {UnderstudyError} `UND_ADMIN_TOKEN`
   */
  constructor(config: Pick<Config, 'admin' | 'dataDir'>, log: TokenLog) {
    this.#config = config;
    this.#log = log;
    this.#digest = this.#read();
    this.#version = versionOf(adminTokenFile(config));
  }

  /**
   * Whether a request brings the token; looks first whether the file has changed. One that is gone or cannot
   * be used leaves the last token valid, and is said once: to revoke a token, write another one.
   */
  matches(presented: string): boolean {
    const file = adminTokenFile(this.#config);
    const version = versionOf(file);
    if (version !== this.#version) {
      this.#version = version;
      try {
        if (version === '') throw new Error(`${file} is gone`);
        this.#digest = this.#read();
        this.#log.info({ file }, 'the admin token has changed');
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const fields = { code: 'UND_ADMIN_TOKEN', reason };
        this.#log.error(fields, 'the changed admin token cannot be used; the last one stays valid');
      }
    }
    return timingSafeEqual(digestOf(presented), this.#digest);
  }

  #read(): Buffer {
    const { token, file, exposed } = readAdminToken(this.#config);
    if (exposed) this.#log.warn({ file }, 'others can read the admin token: chmod 600');
    return digestOf(token);
  }
}

/** Changes with the file; '' where there is none. */
function versionOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? '' : `${stats.ino}/${stats.size}/${stats.mtimeNs}/${stats.ctimeNs}`;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
