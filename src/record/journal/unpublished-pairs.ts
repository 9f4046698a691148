/**
 * Pairs journaled while no Kafka is configured are not in the outbox: nobody would take them out. Where they
 * begin is noted in the journal, and when Kafka is switched on they are put into the outbox, those within
 * retention, so that the topic has them too.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { RoomOptions } from './journal-room.ts';
import { numberOf, textOf } from './sqlite-rows.ts';

/** In one transaction; the note moves with it, so that a thread that ends in between goes on there. */
const CHUNK_PAIRS = 100_000;

/**
 * Called once after a journal was opened.
 *
 * @param now - Unix ms
 */
export function noteUnpublished(db: DatabaseSync, options: RoomOptions, now: number): void {
  const from = noted(db);
  if (!options.outbox) {
    if (from === null) note(db, lastSeqEver(db) + 1);
    return;
  }
  if (from === null) return;
  const since = now - options.retentionMs;
  const end = lastSeqEver(db) + 1;
  // While Kafka was off, retention deleted pairs that were still waiting for it.
  db.exec('DELETE FROM outbox WHERE seq NOT IN (SELECT seq FROM pairs)');
  for (let at = from; at < end; at += CHUNK_PAIRS) adopt(db, { at, since });
  db.exec("DELETE FROM meta WHERE name = 'unpublished_from'");
}

function adopt(db: DatabaseSync, { at, since }: { at: number; since: number }): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const put = db.prepare(`INSERT INTO outbox SELECT seq FROM pairs
      WHERE seq >= ? AND seq < ? AND time_ms >= ? ON CONFLICT (seq) DO NOTHING`);
    put.run(at, at + CHUNK_PAIRS, since);
    note(db, at + CHUNK_PAIRS);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function noted(db: DatabaseSync): number | null {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'unpublished_from'").get();
  return row === undefined ? null : Number(textOf(row, 'value'));
}

function note(db: DatabaseSync, seq: number): void {
  db.prepare(`INSERT INTO meta VALUES ('unpublished_from', ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`).run(String(seq));
}

/** The highest sequence that was ever given, deleted pairs included. */
function lastSeqEver(db: DatabaseSync): number {
  const row = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'pairs'").get();
  return row === undefined ? 0 : numberOf(row, 'seq');
}
