/** Folders and recorders that end with their test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { openRecorder, type RecorderConfig } from '../../src/record/recorder.ts';
import type { PairEntry, Recorder } from '../../src/record/recorder-port.ts';
import { ListLog } from './entries.ts';

/** What came of entries: by id, `state` or `state(reason)`. */
export class Outcomes {
  readonly byId = new Map<string, string>();
  /** Entries that were answered more than once: always empty, if all is well. */
  readonly repeated: string[] = [];

  take(entry: PairEntry, state: string, reason: string): void {
    if (this.byId.has(entry.id)) this.repeated.push(entry.id);
    this.byId.set(entry.id, reason === '' ? state : `${state}(${reason})`);
  }

  count(outcome: string): number {
    return Array.from(this.byId.values()).filter((value) => value === outcome).length;
  }
}

export interface OpenedRecorder {
  readonly recorder: Recorder;
  readonly outcomes: Outcomes;
  readonly log: ListLog;
}

const folders: string[] = [];
const recorders: Recorder[] = [];

afterEach(async () => {
  await Promise.all(recorders.splice(0).map((recorder) => recorder.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-record-'));
  folders.push(folder);
  return folder;
}

export async function recorderIn(
  dataDir: string,
  changes: Partial<RecorderConfig> = {},
): Promise<OpenedRecorder> {
  const config = { dataDir, instance: 'test', journal: DEFAULTS.journal, kafka: null, ...changes };
  const outcomes = new Outcomes();
  const log = new ListLog();
  const onRecorded = outcomes.take.bind(outcomes);
  const recorder = await openRecorder(config, onRecorded, log);
  recorders.push(recorder);
  return { recorder, outcomes, log };
}
