/**
 * Reads predictions out of a JSON answer by JSON Pointer: one, or a batch. Pure. What is wrong with an answer
 * is a value, never an exception.
 */
import { LIMITS } from '../config/defaults.ts';
import type { PredictionConfig } from '../config/types.ts';
import { compilePointer, type Pointer } from './json-pointer.ts';
import { countKeys, measureJson, parseJson } from './parse-json.ts';

/** As in the pair record. */
interface ReadPrediction {
  score?: number;
  label?: string | number | boolean;
}

/** What is wrong: with the whole answer, else the first fault found in its order. As in the pair record. */
type ReadError =
  | 'not_json'
  | 'too_deep'
  | 'duplicate_key'
  | 'score_missing'
  | 'score_not_a_number'
  | 'score_infinite'
  | 'label_missing'
  | 'items_missing'
  | 'items_too_many';

/** Predictions as far as they could be read: with an error, some may lack a member. */
export interface AnswerReading {
  readonly predictions: readonly ReadPrediction[];
  readonly modelVersion: string | undefined;
  readonly error: ReadError | undefined;
}

export type AnswerReader = (body: string) => AnswerReading;

interface CompiledPointers {
  readonly items: Pointer | null;
  readonly score: Pointer | null;
  readonly label: Pointer | null;
  readonly modelVersion: Pointer | null;
}

/**
 * Compiles a reader of answers.
 *
 * - arrays and objects within each other beyond `LIMITS.jsonDepth`: `too_deep`, and nothing is parsed
 * - a key twice in one object: `duplicate_key`; the last one is read, as most parsers do (RFC 8259 §4)
 * - a score is a finite number: infinities and 1e400 are `score_infinite`, anything else is
 *   `score_not_a_number` (a bare NaN, too), absence `score_missing`
 * - a label is a string, number or boolean; strings are cut at `LIMITS.capturedCharacters`
 * - a pointer that is configured as `''` is not looked for, and its absence is no error
 * - a batch keeps its order; over `LIMITS.predictions` elements none is read (`items_too_many`)
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function compileAnswerReader(config: PredictionConfig): AnswerReader {
  const pointers: CompiledPointers = {
    items: compileOptional(config.items),
    score: compileOptional(config.score),
    label: compileOptional(config.label),
    modelVersion: compileOptional(config.modelVersion),
  };
  return (body) => readAnswer(body, pointers);
}

function compileOptional(text: string): Pointer | null {
  return text === '' ? null : compilePointer(text);
}

function readAnswer(body: string, pointers: CompiledPointers): AnswerReading {
  const { depth, keys } = measureJson(body);
  if (depth > LIMITS.jsonDepth) return failed('too_deep');
  const document = parseJson(body);
  if (document === undefined) return failed('not_json');
  const modelVersion = toModelVersion(pointers.modelVersion?.(document));
  const items = pointers.items === null ? [document] : pointers.items(document);
  if (!Array.isArray(items)) return failed('items_missing', modelVersion);
  if (items.length > LIMITS.predictions) return failed('items_too_many', modelVersion);

  const predictions: ReadPrediction[] = [];
  let error: ReadError | undefined = keys === countKeys(document) ? undefined : 'duplicate_key';
  for (const item of items) {
    const prediction: ReadPrediction = {};
    const fault = readItem(item, pointers, prediction);
    error ??= fault;
    predictions.push(prediction);
  }
  return { predictions, modelVersion, error };
}

function failed(error: ReadError, modelVersion?: string): AnswerReading {
  return { predictions: [], modelVersion, error };
}

function readItem(
  item: unknown,
  pointers: CompiledPointers,
  into: ReadPrediction,
): ReadError | undefined {
  let fault: ReadError | undefined;
  if (pointers.score !== null) {
    const score = pointers.score(item);
    if (typeof score === 'number' && Number.isFinite(score)) into.score = score;
    else fault = scoreFault(score);
  }
  if (pointers.label !== null) {
    const label = pointers.label(item);
    if (typeof label === 'string') into.label = label.slice(0, LIMITS.capturedCharacters);
    else if (typeof label === 'boolean' || isFiniteNumber(label)) into.label = label;
    else fault ??= 'label_missing';
  }
  return fault;
}

function scoreFault(score: unknown): ReadError {
  if (score === undefined) return 'score_missing';
  return score === Infinity || score === -Infinity ? 'score_infinite' : 'score_not_a_number';
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function toModelVersion(value: unknown): string | undefined {
  if (typeof value === 'string') return value.slice(0, LIMITS.capturedCharacters);
  return isFiniteNumber(value) ? String(value) : undefined;
}
