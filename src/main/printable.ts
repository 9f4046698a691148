import { UNPRINTABLE } from '../telemetry/printable-json.ts';

/**
 * One line with texts that come from other processes, models and operators: nothing in them drives the terminal,
 * or begins a line of its own.
 */
export function printable(line: string): string {
  return line.replace(UNPRINTABLE, '?').replaceAll('\n', '?');
}

/** @returns lines, each with its end and as {@link printable} */
export function printableLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}
