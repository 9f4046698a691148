/**
 * `understudy journal erase`: takes one entity's pairs, by their selection key, out of the journal, its dead letters and
 * the analysis, and looks whether their bytes are gone. What is on Kafka is another's: it says how.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { auditCommand } from '../../admin/audit-log.ts';
import { checkErasure, type ErasureAnswer, erasureInWords } from '../../admin/erasure-routes.ts';
import { type ErasedPair, pairsOfKey } from '../../analysis/erase-pairs.ts';
import { AnalysisStore } from '../../analysis/store.ts';
import { analysisPath } from '../../analysis/store-file.ts';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { FolderLock } from '../../record/journal/folder-lock.ts';
import { eraseKey, rewriteFile } from '../../record/journal/journal-erasure.ts';
import { openJournalFile } from '../../record/journal/journal-file.ts';
import { JournalReader } from '../../record/journal/journal-reader.ts';
import { findTraces } from '../../record/journal/key-traces.ts';
import { untilDone } from './chore.ts';
import { AdminApi, findRunFolder, operatorName } from './instance.ts';
import { findJournal, type JournalOptions } from './journal-place.ts';

export interface EraseOptions extends Omit<JournalOptions, 'file'> {
  readonly key: string;
  readonly reason: string;
}

/**
 * With an instance that runs, or with `--data` of one that does not.
 *
 * @returns exit code: 1 where traces are left
 * @throws {UnderstudyError} `UND_API_FIELD`, `UND_API_REASON`; `UND_JOURNAL_LOCKED` `--data` of a running instance; `UND_ADMIN_UNREACHABLE`;
 *   `UND_JOURNAL_CHORE`; `UND_JOURNAL_TRACES` a reader is in the analysis; as `findJournal`
 */
export async function eraseFromJournal(options: EraseOptions): Promise<number> {
  const erase = options.data === undefined ? eraseByInstance : eraseByOurselves;
  const checked = checkErasure(options);
  const ids = pairsIn(await findJournal(options), checked.key).map(({ id }) => id);
  const { pairs, dataDir } = await erase({ ...options, ...checked });
  const traces = findTraces(dataDir, checked.key, ids);
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  say(`${pairs} pair${pairs === 1 ? '' : 's'} erased; the audit has it by the hash of the key`);
  for (const { file, advice } of traces) say(`UND_JOURNAL_TRACES: ${file}: ${advice}`);
  if (traces.length === 0) say(`no file of ${dataDir} has its bytes any more`);
  say('What was published is on Kafka until its retention ends: docs/kafka.md, "Erasing a key".');
  return traces.length === 0 ? 0 : 1;
}

async function eraseByInstance({
  key,
  reason,
  ...options
}: EraseOptions): Promise<{ pairs: number; dataDir: string }> {
  const api = await AdminApi.find(options);
  const { id, dataDir } = await api.post<ErasureAnswer>(
    '/v1/erasures',
    { key, reason },
    LIMITS.choreStallMs,
  );
  const socket = (await findRunFolder(options)).statusSocket('mirror');
  const { pairs } = await untilDone(socket, id);
  return { pairs, dataDir };
}

async function eraseByOurselves({
  key,
  reason,
  ...options
}: EraseOptions): Promise<{ pairs: number; dataDir: string }> {
  const path = await findJournal(options);
  const dataDir = dirname(path);
  const lock = new FolderLock(dataDir);
  try {
    auditCommand(dataDir, { what: erasureInWords(key), by: operatorName(), reason });
    eraseFromAnalysis(dataDir, pairsIn(path, key));
    const { db } = openJournalFile(path);
    try {
      let pairs = 0;
      const analysisDir = existsSync(analysisPath(dataDir)) ? dataDir : undefined;
      for (const step of eraseKey(db, key, analysisDir)) pairs = step.erased;
      rewriteFile(db);
      return { pairs, dataDir };
    } finally {
      db.close();
    }
  } finally {
    lock.release();
  }
}

function eraseFromAnalysis(dataDir: string, pairs: readonly ErasedPair[]): void {
  if (!existsSync(analysisPath(dataDir))) return;
  const store = AnalysisStore.open(dataDir);
  try {
    store.erase(pairs);
  } finally {
    store.end();
  }
}

function pairsIn(path: string, key: string): ErasedPair[] {
  const reader = JournalReader.openFile(path);
  try {
    return pairsOfKey(reader, key);
  } catch (cause) {
    throw new UnderstudyError('UND_JOURNAL_CHORE', 'The journal cannot be read.', { cause });
  } finally {
    reader.close();
  }
}
