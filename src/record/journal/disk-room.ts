/**
 * What the disk leaves a journal. A pair is written twice, to the WAL and at a checkpoint to the file, and a
 * checkpoint that finds no room leaves a WAL that fills the disk and can never be emptied. So pairs are
 * refused before it comes to that, and counts go on with a reserve.
 */
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LIMITS } from '../../config/defaults.ts';

/** What a deleted pair costs in the WAL at most. */
const DELETED_PAIR_BYTES = 2 * 4_096;
/** Share of the disk that is kept free, within the limits of LIMITS.journalDiskReserve…Bytes. */
const RESERVE_SHARE = 1 / 16;

export class DiskRoom {
  readonly #path: string;

  /** @param path - of the journal's file */
  constructor(path: string) {
    this.#path = path;
  }

  /** Size of the disk, bytes. */
  totalBytes(): number {
    const { blocks, bsize } = statfsSync(dirname(this.#path));
    return blocks * bsize;
  }

  /**
   * Bytes of pairs that can still be taken in.
   *
   * @param fileBytes - what the journal's file will measure when its WAL has been copied to it
   */
  leftBytes(fileBytes: number): number {
    const { blocks, bavail, bsize } = statfsSync(dirname(this.#path));
    const onDisk = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    const owed = Math.max(0, fileBytes - onDisk);
    return (bavail * bsize - reserveOf(blocks * bsize) - owed) / 2;
  }

  /** How many pairs may be deleted in one transaction, ≥ 1: each rewrites a page of the table and of the index. */
  deletablePairs(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return Math.max(1, Math.floor((bavail * bsize) / 2 / DELETED_PAIR_BYTES));
  }
}

function reserveOf(totalBytes: number): number {
  const { journalDiskReserveMinBytes: min, journalDiskReserveMaxBytes: max } = LIMITS;
  return Math.min(max, Math.max(min, totalBytes * RESERVE_SHARE));
}
