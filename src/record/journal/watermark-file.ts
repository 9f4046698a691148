/**
 * How far the analysis has read the journal, committed: a small file in the data folder, so that the recorder keeps
 * what was not read. Written whole with a rename, after the commit: it is never ahead of the state.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Watermark {
  /** Of the journal's file. */
  readonly generation: string;
  /** The last sequence that is committed. */
  readonly seq: number;
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'analysis.watermark');
}

/** @throws errors of the file system */
export function writeWatermark(dataDir: string, { generation, seq }: Watermark): void {
  const path = pathIn(dataDir);
  writeFileSync(`${path}.new`, JSON.stringify({ generation, seq }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** `null`: nobody has written one, or it cannot be read. */
export function readWatermark(dataDir: string): Watermark | null {
  try {
    const { generation, seq } = JSON.parse(readFileSync(pathIn(dataDir), 'utf8')) as Watermark;
    return typeof generation === 'string' && Number.isSafeInteger(seq) ? { generation, seq } : null;
  } catch {
    return null;
  }
}
