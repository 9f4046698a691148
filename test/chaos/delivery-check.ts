/**
 * Did every pair that was committed arrive, and nothing else? In the manner of Jepsen (jepsen.io): the journal's
 * commits are the writes that were promised, the topic's contents are what a reader sees after all faults are
 * healed. Pure: two lists in, faults out.
 *
 *   lost       committed, confirmed as published, and not on the topic
 *   unseen     committed, still in the outbox after the drain, and not on the topic
 *   phantom    on the topic, and never committed
 *   changed    on the topic with other bytes, key or headers than were committed
 *   split      one key on several partitions
 *
 * A repeated record with the same bytes is no fault: delivery is at least once. A dead letter is not lost: it is
 * known by name.
 */

/** What the journal holds. */
export interface CommittedPair {
  readonly id: string;
  readonly key: string;
  readonly candidate: string;
  readonly experiment: string;
  readonly json: string;
}

export interface Commits {
  readonly pairs: readonly CommittedPair[];
  /** Ids that wait for an acknowledgement still. */
  readonly outbox: ReadonlySet<string>;
  /** Ids that Kafka will not take. */
  readonly dead: ReadonlySet<string>;
}

/** What a reader of the topic got. */
export interface DeliveredRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly partition: number;
  readonly offset: number;
}

export interface DeliveryFault {
  readonly kind: 'lost' | 'unseen' | 'phantom' | 'changed' | 'split';
  /** The pair's id; of `split` the key. */
  readonly id: string;
  readonly detail: string;
}

export interface DeliveryReport {
  readonly committed: number;
  readonly delivered: number;
  /** Records beyond the first of an id. */
  readonly duplicates: number;
  readonly dead: number;
  readonly faults: readonly DeliveryFault[];
}

export function checkDelivery(
  { pairs, outbox, dead }: Commits,
  records: readonly DeliveredRecord[],
): DeliveryReport {
  const committed = new Map(pairs.map((pair) => [pair.id, pair]));
  const delivered = Map.groupBy(records, ({ headers }) => headers.id ?? '');
  const faults: DeliveryFault[] = [];
  for (const { id } of pairs) {
    if (delivered.has(id) || dead.has(id)) continue;
    const kind = outbox.has(id) ? 'unseen' : 'lost';
    faults.push({ kind, id, detail: outbox.has(id) ? 'never confirmed' : 'confirmed' });
  }
  for (const [id, copies] of delivered) {
    const pair = committed.get(id);
    for (const copy of copies) {
      const place = `${copy.partition}@${copy.offset}`;
      if (pair === undefined) faults.push({ kind: 'phantom', id, detail: place });
      else {
        const changed = differencesOf(copy, pair);
        if (changed !== '') faults.push({ kind: 'changed', id, detail: `${changed} at ${place}` });
      }
    }
  }
  faults.push(...splitKeys(records));
  const duplicates = records.length - delivered.size;
  return {
    committed: pairs.length,
    delivered: delivered.size,
    duplicates,
    dead: dead.size,
    faults,
  };
}

function differencesOf(record: DeliveredRecord, pair: CommittedPair): string {
  const wanted: Record<string, string> = {
    schema: 'understudy.pair/1',
    id: pair.id,
    experiment: pair.experiment,
    candidate: pair.candidate,
  };
  const wrong = Object.keys({ ...wanted, ...record.headers }).filter(
    (name) => wanted[name] !== record.headers[name],
  );
  if (record.value !== pair.json) wrong.push('value');
  if (record.key !== pair.key) wrong.push('key');
  return wrong.join(', ');
}

function splitKeys(records: readonly DeliveredRecord[]): DeliveryFault[] {
  const partitions = new Map<string, Set<number>>();
  for (const { key, partition } of records) {
    const known = partitions.get(key ?? '') ?? new Set();
    partitions.set(key ?? '', known.add(partition));
  }
  return Array.from(partitions).flatMap(([id, found]) =>
    found.size > 1 ? { kind: 'split' as const, id, detail: [...found].join(', ') } : [],
  );
}
