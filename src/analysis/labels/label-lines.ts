/**
 * A file of outcomes, line by line: CSV with a head (RFC 4180; `key`, `label` and, where it is known, `at`, in any
 * order, others are ignored) or NDJSON, one object a line. At most one line is in memory.
 */
import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { type AcceptedLabels, checkEntry } from './check-entry.ts';
import type { LabelEntry } from './label-entry.ts';

export type LabelFormat = 'csv' | 'ndjson';

/** A line of the file, from 1, and its outcome or what is wrong with it. */
export type LabelLine =
  | { readonly line: number; readonly entry: LabelEntry }
  | { readonly line: number; readonly problem: string };

/** `.csv`; `.ndjson`, `.jsonl`. @throws {UnderstudyError} `UND_LABELS_FILE` on another name */
export function formatOf(path: string): LabelFormat {
  if (/\.csv$/i.test(path)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(path)) return 'ndjson';
  const message = `${path} is neither .csv nor .ndjson: say which it is (--format).`;
  throw new UnderstudyError('UND_LABELS_FILE', message);
}

/**
 * @param chunks - of the file, UTF-8; a byte-order mark is left out
 * @param nowMs - Unix ms
 */
export async function* readLabelLines(
  chunks: AsyncIterable<Buffer>,
  format: LabelFormat,
  of: { readonly accepted: AcceptedLabels; readonly nowMs: number },
): AsyncGenerator<LabelLine> {
  const { accepted, nowMs } = of;
  let head: Head | null = null;
  for await (const { line, bytes } of linesOf(chunks)) {
    if (bytes === null) {
      yield { line, problem: `the line is over ${LIMITS.labelLineBytes} bytes` };
      continue;
    }
    // Decoding would put the same character for each that is wrong: two keys would be one.
    if (!isUtf8(bytes)) {
      yield { line, problem: 'the line is not UTF-8' };
      continue;
    }
    const text = toText(bytes, line);
    if (text.trim() === '') continue;
    if (format === 'csv' && head === null) {
      head = toHead(text);
      if (typeof head !== 'string') continue;
      yield { line, problem: head };
      return;
    }
    const value = format === 'ndjson' ? parseObject(text) : parseRow(text, head);
    const entry = typeof value === 'string' ? value : checkEntry(value, accepted, nowMs);
    yield typeof entry === 'string' ? { line, problem: entry } : { line, entry };
  }
}

interface Fields {
  readonly key?: unknown;
  readonly label?: unknown;
  readonly at?: unknown;
}

function parseObject(text: string): Fields | string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  return 'the line is no JSON object';
}

/** Where the three columns are; a text says what is wrong. */
type Head = { readonly key: number; readonly label: number; readonly at: number } | string;

function toHead(text: string): Head {
  const names = cellsOf(text)?.map((name) => name.trim().toLowerCase());
  if (names === undefined) return 'a quote does not close';
  const place = (name: string): number => names.indexOf(name);
  const head = { key: place('key'), label: place('label'), at: place('at') };
  if (head.key >= 0 && head.label >= 0) return head;
  return 'the first line must name the columns: key, label and, where it is known, at';
}

function parseRow(text: string, head: Head | null): Fields | string {
  const cells = cellsOf(text);
  if (cells === undefined) return 'a quote does not close';
  if (head === null || typeof head === 'string') return 'there is no head';
  return { key: cells[head.key], label: cells[head.label], at: cells[head.at] };
}

/** Cells of one line; `undefined`: a quote does not close. A cell that spans lines is not understood. */
function cellsOf(text: string): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    if (text[at] !== '"') {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      cells.push(text.slice(at, end));
      at = end + 1;
      continue;
    }
    const quoted = /^"((?:[^"]|"")*)"(?:,|$)/.exec(text.slice(at));
    if (quoted === null) return undefined;
    cells.push((quoted[1] ?? '').replaceAll('""', '"'));
    at += quoted[0].length + (quoted[0].endsWith(',') ? 0 : 1);
  }
  return cells;
}

/** Lines by LF or CRLF, numbered from 1; `null`: too long, and skipped. */
async function* linesOf(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly line: number; readonly bytes: Buffer | null }> {
  let line = 1;
  let held: Buffer[] = [];
  let count = 0;
  const take = (): Buffer | null => {
    const bytes = count > LIMITS.labelLineBytes ? null : Buffer.concat(held);
    held = [];
    count = 0;
    return bytes;
  };
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(0x0a, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      count += part.length;
      if (count <= LIMITS.labelLineBytes) held.push(part);
      if (end < 0) break;
      yield { line, bytes: take() };
      line += 1;
      from = end + 1;
    }
  }
  if (count > 0) yield { line, bytes: take() };
}

function toText(bytes: Buffer, line: number): string {
  const text = bytes.toString('utf8').replace(/\r$/, '');
  return line === 1 ? text.replace(/^\uFEFF/, '') : text;
}
