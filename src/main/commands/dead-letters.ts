/** `understudy deadletter`: what Kafka will not take, and what becomes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import type { DeadLetterAction } from '../../record/journal/dead-letters.ts';
import { JournalReader, type StoredDeadLetter } from '../../record/journal/journal-reader.ts';
import type { MirrorStatus } from '../../record/mirror-status.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { readStatus, sendCommand } from '../../telemetry/status-socket.ts';
import { findRunFolder, type InstanceOptions } from './instance.ts';
import { findDataFolder } from './pairs.ts';

export interface DeadLetterListOptions extends InstanceOptions {
  readonly json: boolean;
  /** Data folder, where there is no running instance to ask. */
  readonly data?: string;
}

/** From the journal, so that no process need be alive. */
export async function listDeadLetters(options: DeadLetterListOptions): Promise<void> {
  const reader = JournalReader.open(await findDataFolder(options));
  try {
    let count = 0;
    for (const letter of deadLettersOf(reader)) {
      const { id, code, atMs } = letter;
      const since = new Date(atMs).toISOString();
      const line = options.json ? toPrintableJson({ id, code, since }) : `${since}  ${code}  ${id}`;
      process.stdout.write(`${line}\n`);
      count += 1;
    }
    if (count === 0 && !options.json) process.stdout.write('no dead letters\n');
  } finally {
    reader.close();
  }
}

/**
 * Has the mirror settle them, and waits until the journal shows it.
 *
 * @throws {UnderstudyError} `UND_USAGE` neither ids nor `--all`, an id that is no dead letter, no Kafka;
 *   `UND_STATUS_UNAVAILABLE` no mirror answers; `UND_RECORDER_DOWN` the journal does not change
 */
export async function settleDeadLetters(
  action: DeadLetterAction,
  ids: readonly string[],
  options: InstanceOptions & { readonly all: boolean },
): Promise<void> {
  if (options.all === ids.length > 0) {
    throw new UnderstudyError('UND_USAGE', 'Say which: ids, or --all.');
  }
  const socket = (await findRunFolder(options)).statusSocket('mirror');
  const { recorder } = await readStatus<MirrorStatus>(socket);
  if (action === 'retry' && recorder.publisher === null) {
    throw new UnderstudyError('UND_USAGE', 'No Kafka is configured: there is nobody to send to.');
  }
  const reader = JournalReader.open(await findDataFolder(options));
  try {
    const chosen = choose(Array.from(deadLettersOf(reader)), ids);
    const seqs = options.all ? ['all'] : chosen.map(({ seq }) => String(seq));
    for (const seq of seqs) await sendCommand(socket, `deadletter-${action} ${seq}`);
    await untilSettled(reader, chosen);
    const what = action === 'retry' ? 'to be sent again' : 'forgotten';
    process.stdout.write(`${chosen.length} dead letter${chosen.length === 1 ? '' : 's'} ${what}\n`);
  } finally {
    reader.close();
  }
}

function* deadLettersOf(reader: JournalReader): Generator<StoredDeadLetter> {
  for (let after = 0; ; ) {
    const page = reader.deadLetters(after, LIMITS.journalPagePairs);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

function choose(
  letters: readonly StoredDeadLetter[],
  ids: readonly string[],
): readonly StoredDeadLetter[] {
  if (ids.length === 0) return letters;
  const byId = new Map(letters.map((letter) => [letter.id, letter]));
  return ids.map((id) => {
    const letter = byId.get(id);
    if (letter !== undefined) return letter;
    throw new UnderstudyError(
      'UND_USAGE',
      `${id} is no dead letter: see understudy deadletter list.`,
    );
  });
}

/** Gone from the table, or in it anew: what was sent again and refused again has a later time. */
async function untilSettled(
  reader: JournalReader,
  chosen: readonly StoredDeadLetter[],
): Promise<void> {
  const deadlineMs = monotonicMs() + LIMITS.adminRequestMs;
  for (;;) {
    const left = new Map(Array.from(deadLettersOf(reader), ({ seq, atMs }) => [seq, atMs]));
    if (!chosen.some(({ seq, atMs }) => left.get(seq) === atMs)) return;
    if (monotonicMs() >= deadlineMs) {
      throw new UnderstudyError(
        'UND_RECORDER_DOWN',
        'The mirror was told, and its journal has not changed: see understudy status.',
      );
    }
    await sleep(LIMITS.followPollMs);
  }
}
