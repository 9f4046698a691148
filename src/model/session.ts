/**
 * One ONNX session: loaded once, checked against the configuration, asked one row at a time. A run blocks
 * the event loop of its process (about 0.05 ms for the demo's models), which is why it has its own.
 */
import './no-telemetry.ts';
import { access, constants } from 'node:fs/promises';
import { InferenceSession } from 'onnxruntime-node';
import { LIMITS } from '../config/defaults.ts';
import type { OnnxCandidateConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { compileFeatures } from './features.ts';

/** What a model file needs to become a scorer. */
export type ModelConfig = Pick<
  OnnxCandidateConfig,
  'model' | 'modelVersion' | 'inputs' | 'output' | 'scoreColumn' | 'threshold' | 'labels'
>;

/** The answer of the scoring API. Score and label are null where the model's number is not finite. */
export interface Score {
  readonly score: number | null;
  readonly label: string | null;
  readonly model_version: string;
}

export interface Model {
  readonly modelVersion: string;
  /**
   * @param request - parsed JSON
   * @throws {UnderstudyError} `UND_SCORE_REQUEST` naming the feature that is missing or of a wrong type;
   *   `UND_SCORE_FAILED` when the runtime refuses the row
   */
  score(request: unknown): Promise<Score>;
  release(): Promise<void>;
}

/** One thread each: the process is the unit of scaling, and a pool would fight the gateway for cores. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3,
};

/**
 * Loads the file and holds its inputs and output against the configuration.
 *
 * @throws {UnderstudyError} `UND_MODEL_MISSING` the file is not there or not readable; `UND_MODEL_INVALID`
 *   it is no model the runtime can load; `UND_MODEL_INPUTS` its inputs or output are others than configured
 */
export async function loadModel(config: ModelConfig): Promise<Model> {
  await access(config.model, constants.R_OK).catch((cause: unknown) => {
    const message = `model file ${config.model} is not there or not readable`;
    throw new UnderstudyError('UND_MODEL_MISSING', message, { cause });
  });
  const session = await createSession(config.model);
  const faults = [...inputFaults(session, config), ...outputFaults(session, config)];
  if (faults.length > 0) {
    await session.release();
    throw new UnderstudyError('UND_MODEL_INPUTS', `model ${config.model}: ${faults.join('; ')}`);
  }
  return toModel(session, config);
}

async function createSession(path: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, SESSION_OPTIONS);
  } catch (cause) {
    const message = `model file ${path} cannot be loaded: ${shortMessage(cause)}`;
    throw new UnderstudyError('UND_MODEL_INVALID', message, { cause });
  }
}

function toModel(session: InferenceSession, config: ModelConfig): Model {
  const readFeatures = compileFeatures(config.inputs);
  const { modelVersion, output, scoreColumn, threshold, labels } = config;
  return {
    modelVersion,
    async score(request) {
      const features = readFeatures(request);
      if (!features.ok) throw new UnderstudyError('UND_SCORE_REQUEST', features.message);
      const score = await runRow(session, features.tensors, { output, scoreColumn });
      if (!Number.isFinite(score)) return { score: null, label: null, model_version: modelVersion };
      return { score, label: labels[score >= threshold ? 1 : 0], model_version: modelVersion };
    },
    release: () => session.release(),
  };
}

interface ScorePlace {
  readonly output: string;
  readonly scoreColumn: number;
}

/** @returns the score as the model gave it: a float32 widened to a double, maybe not finite */
async function runRow(
  session: InferenceSession,
  tensors: InferenceSession.FeedsType,
  place: ScorePlace,
): Promise<number> {
  let results: InferenceSession.ReturnType;
  try {
    results = await session.run(tensors, [place.output]);
  } catch (cause) {
    const message = `the model refused the row: ${shortMessage(cause)}`;
    throw new UnderstudyError('UND_SCORE_FAILED', message, { cause });
  }
  const data = results[place.output]?.data;
  const score = data instanceof Float32Array ? data[place.scoreColumn] : undefined;
  if (score === undefined) {
    const message = `output ${place.output} has no column ${place.scoreColumn}`;
    throw new UnderstudyError('UND_SCORE_FAILED', message);
  }
  return score;
}

/** Every difference between the model's inputs and the configured ones, in words. */
function inputFaults(session: InferenceSession, config: ModelConfig): string[] {
  const faults: string[] = [];
  const configured = new Map(config.inputs.map((input) => [input.name, input.type]));
  for (const input of session.inputMetadata) {
    const type = configured.get(input.name);
    configured.delete(input.name);
    if (type === undefined) faults.push(`it has an input ${input.name} that is not configured`);
    else if (!isColumn(input, type)) {
      faults.push(`input ${input.name} is ${describe(input)}, configured is ${type}[N,1]`);
    }
  }
  for (const name of configured.keys()) faults.push(`it has no input ${name}`);
  return faults;
}

function outputFaults(session: InferenceSession, config: ModelConfig): string[] {
  const output = session.outputMetadata.find((candidate) => candidate.name === config.output);
  if (output === undefined) {
    return [`it has no output ${config.output}, only ${session.outputNames.join(', ')}`];
  }
  const columns = output.isTensor && output.shape.length === 2 ? output.shape[1] : 0;
  const hasColumn = typeof columns !== 'number' || columns < 0 || columns > config.scoreColumn;
  if (output.isTensor && output.type === 'float32' && hasColumn) return [];
  const wanted = `float32[N,${config.scoreColumn + 1} or more]`;
  return [`output ${config.output} is ${describe(output)}, needed is ${wanted}`];
}

/** A dynamic dimension is a string or −1. */
function isColumn(input: InferenceSession.ValueMetadata, type: string): boolean {
  if (!input.isTensor || input.type !== type || input.shape.length !== 2) return false;
  const [rows, columns] = input.shape;
  const isOne = (dimension: number | string | undefined) =>
    typeof dimension !== 'number' || dimension < 0 || dimension === 1;
  return isOne(rows) && isOne(columns);
}

function describe(value: InferenceSession.ValueMetadata): string {
  if (!value.isTensor) return 'no tensor';
  const shape = value.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : 'N'));
  return `${value.type}[${shape.join(',')}]`;
}

function shortMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, LIMITS.errorCharacters);
}
