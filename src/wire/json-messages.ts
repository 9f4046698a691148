/** The wire's rare messages, as JSON: hello, ledger, farewell. Encoding, and reading without trust. */
import type { ExchangeCell } from './exchange-ledger.ts';
import {
  EXCHANGE_STATES,
  type ExchangeState,
  SIZE_CLASSES,
  type SizeClass,
} from './exchange-states.ts';
import {
  type Hello,
  MESSAGE_FAREWELL,
  MESSAGE_HELLO,
  MESSAGE_LEDGER,
  MESSAGE_PREFIX_BYTES,
} from './messages.ts';

/** Cells of an exchange ledger with the sequence of the next offered exchange. */
export interface LedgerReport {
  readonly cells: readonly ExchangeCell[];
  /** All sequences below it were offered, and stand on the wire before this message. */
  readonly nextSeq: number;
  /** Hours below it are folded (wire/exchange-ledger.ts). 0 where the gateway does not fold, or does not say. */
  readonly foldedBefore: number;
}

export function encodeHello(hello: Hello): Buffer {
  return encodeJson(MESSAGE_HELLO, hello);
}

/** @param report - the cells that changed since the last message, cumulative */
export function encodeLedger(report: LedgerReport): Buffer {
  return encodeJson(MESSAGE_LEDGER, report);
}

/** @param report - what changed last; with it the epoch's ledger is final */
export function encodeFarewell(report: LedgerReport): Buffer {
  return encodeJson(MESSAGE_FAREWELL, report);
}

function encodeJson(type: number, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const prefix = Buffer.allocUnsafe(MESSAGE_PREFIX_BYTES);
  prefix.writeUInt32LE(json.length + 1, 0);
  prefix[4] = type;
  return Buffer.concat([prefix, json]);
}

/** @returns `null` where the text is not a hello: each field is checked, extra ones are left out */
export function readHello(text: string): Hello | null {
  const value = parseObject(text);
  const report = value && reportOf(value);
  if (!value || !report) return null;
  const { version, instance, epoch, pid } = value;
  if (!isCount(version) || !isCount(pid)) return null;
  if (typeof instance !== 'string' || typeof epoch !== 'string' || epoch === '') return null;
  return { version, instance, epoch, pid, ...report };
}

/** @returns `null` where the text is not a ledger's or a farewell's */
export function readLedgerReport(text: string): LedgerReport | null {
  const value = parseObject(text);
  return value && reportOf(value);
}

function reportOf(value: Record<string, unknown>): LedgerReport | null {
  const { nextSeq, cells, foldedBefore = 0 } = value;
  if (!isCount(nextSeq) || nextSeq < 1 || !Array.isArray(cells)) return null;
  if (!isCount(foldedBefore)) return null;
  const read: ExchangeCell[] = [];
  for (const entry of cells) {
    const cell = isObject(entry) ? cellOf(entry) : null;
    if (!cell) return null;
    read.push(cell);
  }
  return { cells: read, nextSeq, foldedBefore };
}

function cellOf(entry: Record<string, unknown>): ExchangeCell | null {
  const { route, hour, sizeClass, state, reason, count } = entry;
  if (typeof route !== 'string' || typeof reason !== 'string') return null;
  if (!isCount(hour) || !isCount(count) || !isSizeClass(sizeClass) || !isState(state)) return null;
  return { route, hour, sizeClass, state, reason, count };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const STATES: ReadonlySet<unknown> = new Set<ExchangeState | 'seen'>([...EXCHANGE_STATES, 'seen']);
const CLASSES: ReadonlySet<unknown> = new Set<SizeClass | ''>([...SIZE_CLASSES, '']);

function isState(value: unknown): value is ExchangeState | 'seen' {
  return STATES.has(value);
}

function isSizeClass(value: unknown): value is SizeClass | '' {
  return CLASSES.has(value);
}
