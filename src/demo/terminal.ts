/** Plain text for a terminal: aligned, at most 100 columns, colours only where they are wanted. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export const COLUMNS = 100;

/** Styles of one stream: as they are on a terminal, nothing with NO_COLOR or in a file. */
export interface Styles {
  /** Whether they do anything. */
  readonly active: boolean;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** @param stream - where the text will go; `null`: without styles, for tests and files */
export function stylesOf(stream: NodeJS.WritableStream | null): Styles {
  if (stream === null) return { active: false, bold: same, dim: same, good: same, bad: same };
  // styleText asks the stream and NO_COLOR, NODE_DISABLE_COLORS, FORCE_COLOR.
  return {
    active: styleText('bold', 'x', { stream }) !== 'x',
    bold: (text) => styleText('bold', text, { stream }),
    dim: (text) => styleText('dim', text, { stream }),
    good: (text) => styleText('green', text, { stream }),
    bad: (text) => styleText('red', text, { stream }),
  };
}

const same = (text: string): string => text;

/** C0 (but newline), DEL and C1 controls, and the characters that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Data may hold terminal escapes, from a hostile model for one: shown as `\u001b`, never sent. */
export function escapeTerminal(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `5,915`; `–` where there is none. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString('en-US') : '–';
}

/** @param share - 0 to 1; shown as `94.9 %`. Never rounded up to 100 or down to 0. */
export function formatShare(share: number, decimals = 1): string {
  if (!Number.isFinite(share)) return '–';
  const unit = 10 ** -decimals;
  const percent = share * 100;
  const rounded = Number(percent.toFixed(decimals));
  if (rounded === 100 && share < 1) return `${(100 - unit).toFixed(decimals)} %`;
  if (rounded === 0 && share > 0) return `${unit.toFixed(decimals)} %`;
  return `${percent.toFixed(decimals)} %`;
}

/** `–` where there is none; a proper minus sign where it is negative. */
export function formatNumber(value: number, decimals: number): string {
  return Number.isFinite(value) ? value.toFixed(decimals).replace('-', '−') : '–';
}

/**
 * Rows in columns, two blanks apart; the first column to the left, the others to the right.
 *
 * @returns lines without blanks at their ends
 */
export function alignRows(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) => {
      const width = widths[i] ?? 0;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return (indent + cells.join('  ')).trimEnd();
  });
}

/** Shows one line that changes, on a terminal; plain lines now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WritableStream;
  readonly #isTerminal: boolean;
  #shown = false;

  constructor(stream: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY'>>) {
    this.#stream = stream;
    this.#isTerminal = stream.isTTY === true;
  }

  /** How often `show` should be called, ms. */
  get intervalMs(): number {
    return this.#isTerminal ? 250 : 10_000;
  }

  show(line: string): void {
    if (this.#isTerminal) this.#stream.write(`\r\u001b[K${line}`);
    else this.#stream.write(`${line}\n`);
    this.#shown = true;
  }

  /** Ends the line, so that other text can follow. */
  end(): void {
    if (this.#shown && this.#isTerminal) this.#stream.write('\n');
    this.#shown = false;
  }
}

/** `███████░░░` of `width` characters. @param share - 0 to 1 */
export function progressBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
