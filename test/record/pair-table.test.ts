/** Exported tables, read by another's reader. */
import { zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { PAIR_COLUMNS } from '../../src/record/journal/pair-columns.ts';
import { PairTable } from '../../src/record/journal/pair-table.ts';
import { pairOf } from '../analysis/pairs.ts';

const compressors = { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };

async function written(jsons: readonly string[]) {
  const chunks: Uint8Array[] = [];
  const table = new PairTable(async (bytes) => {
    chunks.push(bytes);
  });
  for (const [i, json] of jsons.entries()) await table.add([{ seq: i + 1, json }]);
  await table.end();
  const bytes = Buffer.concat(chunks);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const rows = await parquetReadObjects({ file, compressors });
  return { rows, chunks, metadata: parquetMetadata(file) };
}

test('a row has what its pair has, and the record byte for byte', async () => {
  const pair = { ...pairOf({ seq: 3 }), time: '2026-11-23T12:00:00.123456Z' };
  const json = `${JSON.stringify(pair)} `;
  const { rows } = await written([json]);
  expect(Object.keys(rows[0] ?? {})).toEqual(PAIR_COLUMNS.map(({ name }) => name));
  expect(rows).toMatchObject([
    {
      id: pair.id,
      seq: 3n,
      route: pair.route,
      candidate: pair.candidate.name,
      key: pair.key,
      state: pair.state,
      probability: pair.selection.probability,
      incumbent_status: pair.incumbent.status,
      candidate_latency_ms: pair.candidate.latency_ms,
      incumbent_score: pair.incumbent.predictions[0]?.score,
      candidate_score: pair.candidate.predictions[0]?.score,
      label_flips: pair.divergence.label_flips,
      record: json,
    },
  ]);
  const { time } = rows[0] as { time: Date };
  expect(time.toISOString()).toBe('2026-11-23T12:00:00.123Z');
});

test('a record that is no pair has its bytes alone', async () => {
  const { rows } = await written(['{"id":"x"}', 'no json', '7']);
  expect(rows).toMatchObject([
    { id: 'x', route: null, record: '{"id":"x"}' },
    { id: null, record: 'no json' },
    { id: null, record: '7' },
  ]);
});

test('many pairs are handed on in groups of bounded size, and are all there in order', async () => {
  const count = 2 * LIMITS.tableGroupRows + 500;
  const jsons = Array.from({ length: count }, (_, i) => JSON.stringify(pairOf({ seq: i + 1 })));
  const { rows, chunks, metadata } = await written(jsons);
  expect(rows.map(({ record }) => record)).toEqual(jsons);
  expect(metadata.row_groups.length).toBeGreaterThanOrEqual(3);
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(bytes / 2);
});

test('no pairs make a table without rows', async () => {
  expect((await written([])).rows).toEqual([]);
});
