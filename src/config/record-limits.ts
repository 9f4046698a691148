/** Limits of journal, recorder, publisher, Kafka and the consumer library: a part of `LIMITS`. */
const KiB = 1024;
const MiB = 1024 * KiB;

export const RECORD_LIMITS = {
  /** Pairs of one journal transaction; how long a pair waits for company, and counts without pairs. */
  journalBatchPairs: 500,
  journalBatchMs: 5,
  journalCountsMs: 250,
  /** Journal transactions under way between mirror and recorder: one written, one waiting. */
  journalBatchesInFlight: 2,
  /** The journal's WAL: past it nothing is written until a reader lets go. */
  journalWalBytes: 64 * MiB,
  /** Room that the journal leaves on its disk: a sixteenth of it, within these. */
  journalDiskReserveMinBytes: 256 * KiB,
  journalDiskReserveMaxBytes: 16 * MiB,
  /** Room of the journal kept for counts, so that drops at the cap can be counted. */
  journalReservePercent: 5,
  /** The recorder reads its own journal afresh so often: what it has cached, damage does not show in. */
  journalProbeMs: 5_000,
  /** Damaged journals kept for inspection, and records kept whose id came twice. */
  journalsQuarantined: 3,
  idConflictsKept: 1_000,
  /** Retries of the journal, of a dead recorder or publisher thread: first wait, doubling. */
  recorderRetryMinMs: 250,
  recorderRetryMaxMs: 10_000,
  /** How long an opening waits for the folder's last owner to end, a closing for the last commit. */
  recorderOpenMs: 5_000,
  recorderCloseMs: 10_000,
  /** What a thread that was told to stop has to end by itself. */
  threadEndMs: 2_000,
  /** A page that a reader takes from the journal; then it lets go of it. */
  journalPagePairs: 500,
  journalPageBytes: 4 * MiB,
  /** Sequences that are looked through in one statement, where few of them may be meant. */
  journalScanPairs: 5_000,
  /** Pages that a backup copies at once. */
  backupPages: 256,
  /** How long a backup tries to begin between two commits. */
  backupPatienceMs: 10_000,
  /** How long a command waits for a backup or an erasure to move on. */
  choreStallMs: 30_000,
  /** A row group of an exported table: rows, and bytes of their records. */
  tableGroupRows: 5_000,
  tableGroupBytes: 16 * MiB,
  /** Pairs held by the publisher: read, in flight, or sent and not yet confirmed in the journal. */
  publisherHeldPairs: 20_000,
  /** Pairs held for one partition, so that a stuck one leaves room for the others. */
  publisherQueuedPairs: 1_000,
  publisherQueuedBytes: 32 * MiB,
  /** Added to the niceness of the publisher's thread: on a busy core it gets a third of what the mirror's gets. */
  publisherNice: 5,
  /** Pages that are read at a time of live pairs, and of the backlog: then what is held is sent. */
  publisherFillPages: 8,
  /** After a page that held nothing for a partition with room: others' pairs behind it wait so long at most. */
  publisherReadAgainMs: 50,
  /** A backlog that a full partition kept from being read is looked through again so often. */
  publisherPassMs: 1_000,
  /** Pairs younger than so many overtake the backlog. */
  publisherLivePairs: 2_000,
  /** The publisher looks for new pairs so often when nobody told it. */
  publisherPollMs: 250,
  /** At the end: how long the publisher goes on with what is left. */
  publisherStopMs: 5_000,
  /** After so long it is ended, closed or not: with hung brokers, too, the mirror ends within stopTimeoutMs. */
  publisherEndMs: 7_000,
  /** A send that passed its deadline is rejected by closing its producer; so long at most. */
  kafkaCloseMs: 5_000,
  kafkaRetryMinMs: 250,
  kafkaRetryMaxMs: 10_000,
  /** Files of Kafka's credentials: the size of each, and how often they are looked at. */
  kafkaSecretBytes: 64 * KiB,
  kafkaSecretPollMs: 1_000,
  /** Consumer library: bytes of a record that is parsed, of a fetch, ids and accounts remembered. */
  consumerRecordBytes: 4 * MiB,
  consumerFetchBytes: 4 * MiB,
  consumerQueuedRecords: 256,
  consumerWindowIds: 100_000,
  consumerAccounts: 100_000,
} as const;
