/** The demo's data: held-out loans with their outcomes, and the description of both models. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OnnxCandidateConfig, OnnxInputConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';

/** One held-out loan. The models never saw it; its outcome is known. */
export interface DemoRow {
  /** `lc-000123`; travels in the request as `loan_id`, where outcomes attach to pairs. */
  readonly id: string;
  /** Body of the scoring request: the named features and `loan_id`. */
  readonly body: string;
  /** One of the two labels. */
  readonly outcome: string;
}

/** What the incumbent's process needs to serve its model. */
export type DemoModel = Pick<
  OnnxCandidateConfig,
  'model' | 'modelVersion' | 'inputs' | 'output' | 'scoreColumn' | 'threshold' | 'labels'
> & { readonly algorithm: string };

/** `models.json`, as far as it is read here. */
interface ModelEntry {
  readonly file: string;
  readonly modelVersion: string;
  readonly algorithm: string;
  readonly threshold: number;
  readonly labels: readonly [string, string];
  readonly output: { readonly name: string; readonly positiveColumn: number };
  readonly inputs: readonly { name: string; kind: 'number' | 'string'; jsonName: string }[];
}

/**
 * @param folder - `models/lending-club`
 * @throws {UnderstudyError} `UND_DEMO_FAILED` when a file is missing or not as expected
 */
export function readDemoRows(folder: string): DemoRow[] {
  const lines = readText(join(folder, 'requests.ndjson')).split('\n');
  return lines.filter((line) => line !== '').map(parseRow);
}

function parseRow(line: string): DemoRow {
  const { id, request, outcome } = JSON.parse(line);
  return { id, body: JSON.stringify({ loan_id: id, ...request }), outcome };
}

/** @throws {UnderstudyError} `UND_DEMO_FAILED` when the file is missing or lacks the model */
export function readDemoModel(folder: string, name: 'incumbent' | 'candidate'): DemoModel {
  const description = JSON.parse(readText(join(folder, 'models.json')));
  const entry: ModelEntry | undefined = description.models?.[name];
  if (entry === undefined) throw failed(`${join(folder, 'models.json')} has no model ${name}`);
  return {
    model: join(folder, entry.file),
    modelVersion: entry.modelVersion,
    algorithm: entry.algorithm,
    threshold: entry.threshold,
    labels: entry.labels,
    output: entry.output.name,
    scoreColumn: entry.output.positiveColumn,
    inputs: entry.inputs.map(toInput),
  };
}

function toInput(input: ModelEntry['inputs'][number]): OnnxInputConfig {
  const type = input.kind === 'number' ? 'float32' : 'string';
  return { name: input.name, pointer: `/${input.jsonName}`, type };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw failed(`the demo's data is not there: ${path} cannot be read`, cause);
  }
}

function failed(message: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError('UND_DEMO_FAILED', message, { cause });
}
