/**
 * Finds pairs in the bytes of a journal whose tree cannot be walked any more: leaf pages are known by their first byte,
 * and a row tells its own length. What it finds may also be of pages that were given back: pairs that had left.
 *
 * Source: sqlite.org/fileformat2.html, 1.6 "B-tree pages", 2.1 "Record format".
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const PAGE_BYTES = 4_096;
const TABLE_LEAF = 0x0d;
const COLUMNS = 7;
/** Payload that stands in the page itself, at most; and the least of a row that has overflow pages. */
const LOCAL_MAX = PAGE_BYTES - 35;
const LOCAL_MIN = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
/** No record is longer. */
const PAYLOAD_MAX = 64 * 2 ** 20;

export interface CarvedPair {
  readonly seq: number;
  readonly id: string;
  readonly key: string;
  readonly candidate: string;
  readonly experiment: string;
  readonly timeMs: number;
  readonly json: string;
}

/** @param path - of the database, no process writing it; its WAL is not looked at */
export function* carvePairs(path: string): Generator<CarvedPair> {
  const fd = openSync(path, 'r');
  try {
    const pages = Math.floor(fstatSync(fd).size / PAGE_BYTES);
    const page = Buffer.alloc(PAGE_BYTES);
    // The first page holds the schema alone.
    for (let number = 2; number <= pages; number += 1) {
      readSync(fd, page, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES);
      if (page[0] === TABLE_LEAF) yield* pairsOf(fd, page, pages);
    }
  } finally {
    closeSync(fd);
  }
}

function* pairsOf(fd: number, page: Buffer, pages: number): Generator<CarvedPair> {
  const cells = page.readUInt16BE(3);
  if (cells > PAGE_BYTES / 4) return;
  for (let i = 0; i < cells; i += 1) {
    const pointer = 8 + 2 * i;
    const at = pointer + 2 <= PAGE_BYTES ? page.readUInt16BE(pointer) : 0;
    const pair = at < 8 ? null : pairAt(fd, { page, at, pages });
    if (pair !== null) yield pair;
  }
}

function pairAt(
  fd: number,
  { page, at, pages }: { readonly page: Buffer; readonly at: number; readonly pages: number },
): CarvedPair | null {
  const length = varint(page, at);
  const rowid = length === null ? null : varint(page, length.end);
  if (length === null || rowid === null) return null;
  if (length.value > PAYLOAD_MAX || rowid.value < 1 || !Number.isSafeInteger(rowid.value))
    return null;
  const payload = payloadOf(fd, { page, at: rowid.end, bytes: length.value, pages });
  return payload === null ? null : toPair(rowid.value, payload);
}

/** A row's bytes: those in its page, and those in the chain behind it. */
function payloadOf(
  fd: number,
  of: {
    readonly page: Buffer;
    readonly at: number;
    readonly bytes: number;
    readonly pages: number;
  },
): Buffer | null {
  const { page, at, bytes, pages } = of;
  const spill = LOCAL_MIN + ((bytes - LOCAL_MIN) % (PAGE_BYTES - 4));
  const local = bytes <= LOCAL_MAX ? bytes : spill <= LOCAL_MAX ? spill : LOCAL_MIN;
  if (at + local + (local < bytes ? 4 : 0) > PAGE_BYTES) return null;
  const payload = Buffer.alloc(bytes);
  page.copy(payload, 0, at, at + local);
  let next = local < bytes ? page.readUInt32BE(at + local) : 0;
  const overflow = Buffer.alloc(PAGE_BYTES);
  for (let filled = local; filled < bytes; filled += PAGE_BYTES - 4) {
    if (next < 2 || next > pages) return null;
    readSync(fd, overflow, 0, PAGE_BYTES, (next - 1) * PAGE_BYTES);
    overflow.copy(payload, filled, 4, Math.min(PAGE_BYTES, 4 + bytes - filled));
    next = overflow.readUInt32BE(0);
  }
  return payload;
}

/** A row of `pairs`, or `null`: of another table, or spoilt. */
function toPair(seq: number, payload: Buffer): CarvedPair | null {
  const types = serialTypes(payload);
  if (types === null || types.length !== COLUMNS || types[0] !== 0) return null;
  let at = varint(payload, 0)?.value ?? 0;
  const texts: string[] = [];
  let timeMs = Number.NaN;
  for (const [i, type] of types.entries()) {
    if (i === 0) continue;
    const bytes = bytesOf(type);
    if (at + bytes > payload.length) return null;
    if (i === 5) timeMs = numberAt(payload, at, type);
    else if (type >= 13 && type % 2 === 1) texts.push(payload.toString('utf8', at, at + bytes));
    else return null;
    at += bytes;
  }
  const [id = '', key = '', candidate = '', experiment = '', json = ''] = texts;
  if (at !== payload.length || !Number.isFinite(timeMs)) return null;
  return { seq, id, key, candidate, experiment, timeMs, json };
}

function serialTypes(payload: Buffer): number[] | null {
  const header = varint(payload, 0);
  if (header === null || header.value > payload.length || header.value > 100) return null;
  const types: number[] = [];
  for (let at = header.end; at < header.value; ) {
    const type = varint(payload, at);
    if (type === null) return null;
    types.push(type.value);
    at = type.end;
  }
  return types;
}

function bytesOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type] ?? 0;
}

/** SQLite writes a REAL without a fraction as an integer. */
function numberAt(payload: Buffer, at: number, type: number): number {
  if (type === 7) return payload.readDoubleBE(at);
  if (type === 6) return Number(payload.readBigInt64BE(at));
  if (type >= 1 && type <= 5) return payload.readIntBE(at, bytesOf(type));
  return type === 8 ? 0 : type === 9 ? 1 : Number.NaN;
}

/** Big-endian, seven bits a byte, at most nine bytes; here at most eight, up to 2^53. */
function varint(
  bytes: Buffer,
  at: number,
): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let i = 0; i < 8; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return null;
}
