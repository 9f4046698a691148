/**
 * Writes pairs as Parquet: row groups of bounded size, each handed on when it is full, so that memory does not grow
 * with the number of pairs but for the footer (a few KiB a row group). Compressed with zstd.
 */
import { zstdCompressSync } from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { LIMITS } from '../../config/defaults.ts';
import type { Pair } from '../../pair/pair.ts';
import type { StoredPair } from './journal-reader.ts';
import { type ColumnKind, PAIR_COLUMNS, type PairColumn } from './pair-columns.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

const TYPES: Readonly<Record<ColumnKind, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  double: { type: 'DOUBLE' },
  integer: { type: 'INT64' },
  micros: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
};

export class PairTable {
  readonly #writer = new ByteWriter();
  readonly #parquet: ParquetWriter;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #rows: { readonly pair: Pair | null; readonly json: string }[] = [];
  #bytes = 0;

  /** @param write - takes the next bytes of the file; they are its own */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
    const columns = PAIR_COLUMNS.map(({ name, kind }): SchemaElement => {
      return { name, ...TYPES[kind], repetition_type: 'OPTIONAL' };
    });
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: [{ name: 'pairs', num_children: columns.length }, ...columns],
      codec: 'ZSTD',
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
      createdBy: 'understudy',
    });
  }

  async add(pairs: readonly StoredPair[]): Promise<void> {
    for (const { json } of pairs) {
      this.#rows.push({ pair: toPair(json), json });
      this.#bytes += json.length;
      const isFull = this.#bytes >= LIMITS.tableGroupBytes;
      if (isFull || this.#rows.length >= LIMITS.tableGroupRows) await this.#endGroup();
    }
  }

  /** What is left, and the footer. */
  async end(): Promise<void> {
    await this.#endGroup();
    await this.#parquet.finish();
    await this.#flush();
  }

  async #endGroup(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    if (rows.length === 0) return;
    const columnData = PAIR_COLUMNS.map((column) => ({
      name: column.name,
      data: rows.map(({ pair, json }) => cellOf(column, pair, json)),
      offsetIndex: false,
    }));
    await this.#parquet.write({ columnData, rowGroupSize: rows.length });
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = this.#writer.getBytes().slice();
    this.#writer.index = 0;
    if (bytes.length > 0) await this.#write(bytes);
  }
}

/** A record that is no pair has `record` alone. */
function cellOf(
  column: PairColumn,
  pair: Pair | null,
  json: string,
): string | number | bigint | undefined {
  if (pair === null) return column.name === 'record' ? json : undefined;
  try {
    return column.of(pair, json);
  } catch {
    return undefined;
  }
}

function toPair(json: string): Pair | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Pair) : null;
  } catch {
    return null;
  }
}
