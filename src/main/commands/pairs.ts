/** `understudy pairs`: pair records from the journal, one line of JSON each, as they were recorded. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import { JournalReader } from '../../record/journal/journal-reader.ts';
import { configFileOf, findAdmin, findRunFolder, type InstanceOptions } from './instance.ts';
import { watchReader } from './reader-watch.ts';

export interface PairsOptions extends InstanceOptions {
  /** Goes on with new pairs until it is ended. */
  readonly follow: boolean;
  /** Begins with so many of the newest pairs. */
  readonly limit: number;
  /** Data folder, where there is no running instance to ask. */
  readonly data?: string;
}

/** Ends when the pairs are written, or with `follow` when nobody reads any more. */
export async function printPairs(options: PairsOptions): Promise<void> {
  const reader = JournalReader.open(await findDataFolder(options));
  // EPIPE: `head` has seen enough.
  const gone = new AbortController();
  const endWatch = watchReader(() => gone.abort());
  let generation = reader.generation();
  let seq = Math.max(0, reader.lastSeq() - options.limit);
  let left = options.follow ? Number.POSITIVE_INFINITY : options.limit;
  while (!gone.signal.aborted && left > 0) {
    const page = reader.pairsAfter(seq, Math.min(left, LIMITS.followPairs));
    for (const pair of page) {
      seq = pair.seq;
      if (!process.stdout.write(`${pair.json}\n`) && !gone.signal.aborted) await drained();
    }
    left -= page.length;
    if (page.length > 0) continue;
    if (!options.follow) break;
    await sleep(LIMITS.followPollMs, undefined, { signal: gone.signal }).catch(() => undefined);
    if (gone.signal.aborted) break;
    if (reader.generation() === generation) continue;
    // The journal was set aside and a new one begun: its sequences begin anew.
    generation = reader.generation();
    seq = 0;
  }
  endWatch();
  reader.close();
}

async function drained(): Promise<void> {
  await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(
    () => undefined, // an error of the stream ends the loop above
  );
}

/** `--data`, else that of `--config` or UNDERSTUDY_CONFIG, else what the instance's admin process says. */
export async function findDataFolder(
  options: InstanceOptions & { readonly data?: string },
): Promise<string> {
  if (options.data !== undefined) return resolve(options.data);
  const file = configFileOf(options);
  if (file !== undefined) {
    const { loadConfig } = await import('../../config/load.ts');
    return loadConfig(file).dataDir;
  }
  return (await findAdmin(await findRunFolder(options))).dataDir;
}
