/**
 * What the publisher holds of the journal's outbox: two lanes for each partition. Live pairs overtake the
 * backlog, which gets the rest of each batch, and at least a quarter.
 *
 *   outbox   ···backlog···│· · live · ·
 *            ▲ backlog cursor     ▲ live cursor: above it nothing was read yet
 *
 * Invariants: a sequence is held once, from its reading until its confirmation is committed; what is neither
 * held nor above the live cursor is found again by a pass of the backlog cursor.
 */
import { LIMITS } from '../config/defaults.ts';
import type { JournalReader, UnpublishedPair } from './journal-reader.ts';
import { recordBytes, type SinkRecord } from './pair-sink.ts';

/** A pair as a record, ready to be sent. */
export interface QueuedPair {
  readonly seq: number;
  readonly id: string;
  readonly record: SinkRecord;
  readonly bytes: number;
}

interface Lanes {
  readonly live: QueuedPair[];
  readonly backlog: QueuedPair[];
  /** Batches that failed, whole: they go first. */
  readonly again: (readonly QueuedPair[])[];
}

/** Share of a batch that a waiting backlog gets, at least. */
const BACKLOG_SHARE = 0.25;

export class PublishQueue {
  readonly #partitionOf: (key: string) => number;
  readonly #maxBytes: number;
  readonly #oversized: QueuedPair[] = [];
  readonly #held = new Set<number>();
  readonly #lanes = new Map<number, Lanes>();
  #live = 0;
  #backlog = 0;
  /** Whether there may be pairs below the live cursor that are not held. */
  #isBehind = true;
  #missed = false;
  #nextPassMs = Number.NEGATIVE_INFINITY;
  #queuedBytes = 0;

  /**
   * @param partitionOf - of a pair's key
   * @param maxBytes - of the records of a batch
   */
  constructor(partitionOf: (key: string) => number, maxBytes: number) {
    this.#partitionOf = partitionOf;
    this.#maxBytes = maxBytes;
  }

  /** Pairs read and not confirmed. */
  get held(): number {
    return this.#held.size;
  }

  /** Partitions that have something to send. */
  partitions(): number[] {
    return Array.from(this.#lanes).flatMap(([partition, lanes]) =>
      isFilled(lanes) ? partition : [],
    );
  }

  /**
   * Reads a page of live pairs and one of the backlog, where there is room.
   *
   * @param nowMs - of a monotonic clock
   * @throws as JournalReader does
   */
  fill(reader: JournalReader, nowMs: number): void {
    const last = reader.lastUnpublished();
    if (last - this.#live > LIMITS.publisherLivePairs) {
      this.#live = last - LIMITS.publisherLivePairs;
      this.#isBehind = true;
    }
    if (last > this.#live && this.#hasRoom) {
      for (const pair of reader.unpublished(this.#live, last, LIMITS.journalPagePairs)) {
        if (!this.#hasRoom) break;
        if (!this.#take(pair, 'live')) this.#isBehind = true;
        this.#live = pair.seq;
      }
    }
    if (this.#isBehind && this.#hasRoom && nowMs >= this.#nextPassMs) {
      this.#readBacklog(reader, nowMs);
    }
  }

  /** The next batch of a partition, taken out; empty when there is none. */
  take(partition: number): readonly QueuedPair[] {
    const lanes = this.#lanes.get(partition);
    if (lanes === undefined) return [];
    const again = lanes.again.shift();
    if (again !== undefined) return again;
    const share = lanes.backlog.length > 0 ? 1 - BACKLOG_SHARE : 1;
    const room = { bytes: this.#maxBytes * share, pairs: LIMITS.publisherBatchPairs * share };
    // The first live pair always fits, since none is larger than a whole batch.
    const batch = lanes.live.splice(0, Math.max(1, countThatFit(lanes.live, room)));
    const left = {
      bytes: this.#maxBytes - bytesOf(batch),
      pairs: LIMITS.publisherBatchPairs - batch.length,
    };
    batch.push(...lanes.backlog.splice(0, countThatFit(lanes.backlog, left)));
    this.#queuedBytes -= bytesOf(batch);
    return batch;
  }

  /** Pairs larger than any message may be, taken out: they are never sent. */
  takeOversized(): readonly QueuedPair[] {
    return this.#oversized.splice(0);
  }

  /** Puts a batch back, as it was: it is repeated before anything else. */
  repeat(partition: number, batch: readonly QueuedPair[]): void {
    if (batch.length > 0) this.#lanesOf(partition).again.push(batch);
  }

  /** Confirmed in the journal: it is no longer in the outbox. */
  release(seqs: readonly number[]): void {
    for (const seq of seqs) this.#held.delete(seq);
  }

  get #hasRoom(): boolean {
    return (
      this.#held.size < LIMITS.publisherHeldPairs && this.#queuedBytes < LIMITS.publisherQueuedBytes
    );
  }

  #readBacklog(reader: JournalReader, nowMs: number): void {
    const page = reader.unpublished(this.#backlog, this.#live, LIMITS.journalPagePairs);
    for (const pair of page) {
      if (!this.#hasRoom) return;
      if (!this.#held.has(pair.seq) && !this.#take(pair, 'backlog')) this.#missed = true;
      this.#backlog = pair.seq;
    }
    if (page.length > 0) return;
    // The end of a pass. Another one follows if a full partition kept something from being read.
    this.#isBehind = this.#missed;
    this.#missed = false;
    this.#backlog = 0;
    this.#nextPassMs = nowMs + LIMITS.publisherPassMs;
  }

  #take(pair: UnpublishedPair, lane: 'live' | 'backlog'): boolean {
    if (this.#held.has(pair.seq)) return true;
    const record = toRecord(pair);
    const queued = { seq: pair.seq, id: pair.id, record, bytes: recordBytes(record) };
    if (queued.bytes > this.#maxBytes) {
      this.#oversized.push(queued);
      this.#held.add(pair.seq);
      return true;
    }
    const lanes = this.#lanesOf(this.#partitionOf(pair.key));
    if (lanes[lane].length >= LIMITS.publisherQueuedPairs) return false;
    lanes[lane].push(queued);
    this.#held.add(pair.seq);
    this.#queuedBytes += queued.bytes;
    return true;
  }

  #lanesOf(partition: number): Lanes {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lanes = { live: [], backlog: [], again: [] };
    this.#lanes.set(partition, lanes);
    return lanes;
  }
}

function toRecord({ id, key, candidate, experiment, json }: UnpublishedPair): SinkRecord {
  const headers = [
    ['schema', 'understudy.pair/1'],
    ['id', id],
    ['experiment', experiment],
    ['candidate', candidate],
  ] as const;
  return { key, value: json, headers };
}

function isFilled({ live, backlog, again }: Lanes): boolean {
  return live.length > 0 || backlog.length > 0 || again.length > 0;
}

function bytesOf(batch: readonly QueuedPair[]): number {
  return batch.reduce((sum, { bytes }) => sum + bytes, 0);
}

function countThatFit(lane: readonly QueuedPair[], room: { bytes: number; pairs: number }): number {
  let bytes = 0;
  let count = 0;
  for (const pair of lane) {
    bytes += pair.bytes;
    if (bytes > room.bytes || count >= room.pairs) break;
    count += 1;
  }
  return count;
}
