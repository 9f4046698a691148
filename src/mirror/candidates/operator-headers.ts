/**
 * The headers an operator sets on every copy: fixed values, and contents of files (secrets), which are looked at
 * again now and then, so that a rotated secret is used without a restart.
 */
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../../config/defaults.ts';
import type { HeaderConfig } from '../../config/types.ts';
import type { Log } from '../../telemetry/log-lines.ts';

/** RFC 9110 §5.5: no control character but tab; obs-text is allowed. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

interface FileHeader {
  readonly name: string;
  readonly file: string;
  stamp: string;
  /** `null`: not usable; then the header is left out. */
  value: string | null;
}

export class OperatorHeaders {
  readonly #fixed: readonly (readonly [string, string])[];
  readonly #files: readonly FileHeader[];
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #timer: NodeJS.Timeout | undefined;
  #flat: string[] = [];

  /** Names in lower case: the caller's headers of these names are replaced. */
  readonly names: ReadonlySet<string>;

  constructor(headers: readonly HeaderConfig[], log: Pick<Log, 'warn' | 'info'>) {
    this.#log = log;
    this.names = new Set(headers.map(({ name }) => name.toLowerCase()));
    this.#fixed = headers.flatMap((header) =>
      'value' in header ? [[header.name, header.value] as const] : [],
    );
    this.#files = headers.flatMap((header) =>
      'file' in header ? [{ ...header, stamp: '', value: null }] : [],
    );
    this.#look();
    if (this.#files.length > 0) {
      this.#timer = setInterval(() => this.#look(), LIMITS.headerFilePollMs).unref();
    }
  }

  /** Names and values in turn, as of the last look. */
  get flat(): readonly string[] {
    return this.#flat;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const header of this.#files) this.#lookAt(header);
    this.#flat = this.#fixed.flat();
    for (const { name, value } of this.#files) if (value !== null) this.#flat.push(name, value);
  }

  /** A file that cannot be used any more keeps its last value: a rotation is not atomic everywhere. */
  #lookAt(header: FileHeader): void {
    let stamp: string;
    let fault = '';
    try {
      const stat = statSync(header.file);
      stamp = `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
      if (stamp === header.stamp) return;
      const text = stat.size > LIMITS.headerFileBytes ? null : readFileSync(header.file, 'latin1');
      const value = text?.trim() ?? '';
      if (text === null || value === '' || !FIELD_VALUE.test(value)) fault = 'no header value';
      else header.value = value;
    } catch {
      stamp = 'unreadable';
      fault = 'it cannot be read';
    }
    if (fault !== '' && stamp !== header.stamp) {
      this.#log.warn('a header file cannot be used', {
        code: 'UND_HEADER_FILE',
        header: header.name,
        file: header.file,
        reason: fault,
      });
    }
    header.stamp = stamp;
  }
}
