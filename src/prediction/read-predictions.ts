/**
 * Reads predictions out of a JSON answer by JSON Pointer: one, or a batch. Pure. What is wrong with an answer
 * is a value, never an exception.
 */
import { LIMITS } from '../config/defaults.ts';
import type { PredictionConfig } from '../config/types.ts';
import { compilePointer, type Pointer } from './json-pointer.ts';
import { countKeys, measureJson, parseJson, parseJsonWithNumberText } from './parse-json.ts';

/** As in the pair record. */
interface ReadPrediction {
  score?: number;
  label?: string | number | boolean;
  id?: string;
  classes?: number[] | Record<string, number>;
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
  | 'id_missing'
  | 'classes_invalid'
  | 'items_missing'
  | 'items_too_many';

/** Predictions as far as they could be read: with an error, some may lack a member. */
export interface AnswerReading {
  readonly predictions: readonly ReadPrediction[];
  /** By position: scores as they were written, where the double may differ; absent where none does. */
  readonly exactScores?: ReadonlyMap<number, string>;
  readonly modelVersion: string | undefined;
  readonly error: ReadError | undefined;
}

export type AnswerReader = (body: string) => AnswerReading;

interface CompiledPointers {
  readonly items: Pointer | null;
  readonly score: Pointer | null;
  readonly label: Pointer | null;
  readonly modelVersion: Pointer | null;
  readonly id: Pointer | null;
  readonly classes: Pointer | null;
}

export interface ReaderOptions {
  /** Keeps every score as it was written, not only those beyond 2^53: for a tolerance of 0. */
  readonly isExact: boolean;
}

/**
 * Compiles a reader of answers.
 *
 * - arrays and objects within each other beyond `LIMITS.jsonDepth`: `too_deep`, and nothing is parsed
 * - a key twice in one object: `duplicate_key`; the last one is read, as most parsers do (RFC 8259 §4)
 * - a score is a finite number: infinities and 1e400 are `score_infinite`, anything else is
 *   `score_not_a_number` (a bare NaN, too), absence `score_missing`
 * - a label is a string, number or boolean; strings are cut at `LIMITS.capturedCharacters`, an integer beyond
 *   2^53 is its digits, a string
 * - an id is a string, or the digits of a number
 * - classes are a list of finite numbers, or an object of them, at most `LIMITS.classes`; anything else is
 *   `classes_invalid`
 * - a pointer that is configured as `''` is not looked for, and its absence is no error
 * - a batch keeps its order; over `LIMITS.predictions` elements none is read (`items_too_many`)
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function compileAnswerReader(
  config: PredictionConfig,
  options: ReaderOptions = { isExact: false },
): AnswerReader {
  const pointers: CompiledPointers = {
    items: compileOptional(config.items),
    score: compileOptional(config.score),
    label: compileOptional(config.label),
    modelVersion: compileOptional(config.modelVersion),
    id: compileOptional(config.id),
    classes: compileOptional(config.classes),
  };
  return (body) => readAnswer(body, pointers, options);
}

function compileOptional(text: string): Pointer | null {
  return text === '' ? null : compilePointer(text);
}

function readAnswer(
  body: string,
  pointers: CompiledPointers,
  { isExact }: ReaderOptions,
): AnswerReading {
  const { depth, keys } = measureJson(body);
  if (depth > LIMITS.jsonDepth) return failed('too_deep');
  const document = parseJson(body);
  if (document === undefined) return failed('not_json');
  const modelVersion = toModelVersion(pointers.modelVersion?.(document));
  const items = itemsOf(document, pointers);
  if (items === null) return failed('items_missing', modelVersion);
  if (items.length > LIMITS.predictions) return failed('items_too_many', modelVersion);

  const predictions: ReadPrediction[] = [];
  let error: ReadError | undefined = keys === countKeys(document) ? undefined : 'duplicate_key';
  let isRounded = false;
  let classNumbers = 0;
  for (const item of items) {
    const prediction: ReadPrediction = {};
    const fault = readItem(item, pointers, prediction);
    error ??= fault;
    predictions.push(prediction);
    isRounded ||= isBeyondDoubles(prediction.score) || isBeyondDoubles(prediction.label);
    isRounded ||= isBeyondDoubles(pointers.id?.(item));
    if (prediction.classes !== undefined) classNumbers += Object.keys(prediction.classes).length;
    if (classNumbers > LIMITS.classNumbers) return failed('items_too_many', modelVersion);
  }
  const reading = { predictions, modelVersion, error };
  return isExact || isRounded ? withExactText(reading, body, pointers) : reading;
}

function itemsOf(document: unknown, pointers: CompiledPointers): readonly unknown[] | null {
  if (pointers.items === null) return [document];
  const items = pointers.items(document);
  return Array.isArray(items) ? items : null;
}

/** Reads the body once more, numbers as text: scores and labels that a double may have rounded, and ids. */
function withExactText(
  reading: AnswerReading,
  body: string,
  pointers: CompiledPointers,
): AnswerReading {
  const items = itemsOf(parseJsonWithNumberText(body), pointers) ?? [];
  const exactScores = new Map<number, string>();
  const predictions = reading.predictions.map((prediction, i) => {
    const score = pointers.score?.(items[i]);
    if (prediction.score !== undefined && typeof score === 'string') exactScores.set(i, score);
    const label = pointers.label?.(items[i]);
    const id = pointers.id?.(items[i]);
    return {
      ...prediction,
      ...(isBeyondDoubles(prediction.label) && typeof label === 'string' ? { label } : {}),
      ...(prediction.id !== undefined && typeof id === 'string' ? { id: cut(id) } : {}),
    };
  });
  return { ...reading, predictions, exactScores };
}

function isBeyondDoubles(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

function cut(text: string): string {
  return text.slice(0, LIMITS.capturedCharacters);
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
    if (typeof label === 'string') into.label = cut(label);
    else if (typeof label === 'boolean' || isFiniteNumber(label)) into.label = label;
    else fault ??= 'label_missing';
  }
  if (pointers.id !== null) {
    const id = pointers.id(item);
    if (typeof id === 'string') into.id = cut(id);
    else if (isFiniteNumber(id)) into.id = String(id);
    else fault ??= 'id_missing';
  }
  if (pointers.classes !== null) {
    const classes = toClasses(pointers.classes(item));
    if (classes === null) fault ??= 'classes_invalid';
    else into.classes = classes;
  }
  return fault;
}

function toClasses(value: unknown): number[] | Record<string, number> | null {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value);
  if (entries.length > LIMITS.classes) return null;
  const areNumbers = entries.every(
    (entry): entry is [string, number] =>
      entry[0].length <= LIMITS.capturedCharacters && isFiniteNumber(entry[1]),
  );
  if (!areNumbers) return null;
  return Array.isArray(value)
    ? entries.map(([, number]) => number)
    : Object.assign(Object.create(null), Object.fromEntries(entries));
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
