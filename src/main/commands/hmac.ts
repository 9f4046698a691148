/** `understudy hmac`: what the action hmac of redaction makes of values, to join records with other data. */
import { createInterface } from 'node:readline';
import { loadConfig } from '../../config/load.ts';
import { UnderstudyError } from '../../errors.ts';
import { readHmacKey, toHmac } from '../../mirror/redaction/hmac-keys.ts';

export interface HmacOptions {
  readonly config: string;
  /** Id of the one key that is used; all where it is missing. */
  readonly key?: string;
}

/**
 * Reads values from standard input, one a line, since arguments show in the list of processes. Prints for each
 * the hashes under the keys of the configuration, in their order, tabs between them.
 *
 * @throws {UnderstudyError} `UND_HMAC_KEY` there is no such key, or one cannot be read
 */
export async function printHmacs(options: HmacOptions): Promise<void> {
  const keys = readKeys(options);
  for await (const value of createInterface({ input: process.stdin })) {
    process.stdout.write(`${keys.map((key) => toHmac(key, value)).join('\t')}\n`);
  }
}

function readKeys({ config: file, key: id }: HmacOptions) {
  const { keys } = loadConfig(file).redaction;
  const wanted = keys.filter((key) => id === undefined || key.id === id);
  if (wanted.length === 0) {
    const known = keys.length === 0 ? 'none' : keys.map((key) => key.id).join(', ');
    throw new UnderstudyError('UND_HMAC_KEY', `${file} has no such key; redaction.keys: ${known}.`);
  }
  return wanted.map((key) => {
    try {
      return { id: key.id, key: readHmacKey(key.file) };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UnderstudyError('UND_HMAC_KEY', `The key ${key.id} cannot be used: ${why}.`, {
        cause,
      });
    }
  });
}
