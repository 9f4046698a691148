/** A request's features → the model's named input tensors, by JSON Pointer. */
import './no-telemetry.ts';
import { Tensor } from 'onnxruntime-node';
import type { OnnxInputConfig } from '../config/types.ts';
import { compilePointer } from '../prediction/json-pointer.ts';

/** Tensors by input name, each [1, 1]; or why the request cannot be scored, naming the feature. */
export type FeatureReading =
  | { readonly ok: true; readonly tensors: Readonly<Record<string, Tensor>> }
  | { readonly ok: false; readonly feature: string; readonly message: string };

/** Takes a parsed JSON request; what it returns on a bad one is a value, never an exception. */
export type FeatureReader = (request: unknown) => FeatureReading;

/**
 * Compiles the mapping once. A feature that is absent, null, of another JSON type, or a number outside
 * float32 is refused: a guessed default would make the candidate's score a lie.
 *
 * @param inputs - one entry a model input; pointers are RFC 6901
 * @throws {Error} on a pointer that RFC 6901 does not allow (the configuration is checked before)
 */
export function compileFeatures(inputs: readonly OnnxInputConfig[]): FeatureReader {
  const columns = inputs.map((input) => ({ input, read: compilePointer(input.pointer) }));
  return (request) => {
    const tensors: Record<string, Tensor> = {};
    for (const { input, read } of columns) {
      const value = read(request);
      const tensor = toTensor(value, input.type);
      if (tensor === null) {
        return { ok: false, feature: input.name, message: describeFault(input, value) };
      }
      tensors[input.name] = tensor;
    }
    return { ok: true, tensors };
  };
}

function toTensor(value: unknown, type: OnnxInputConfig['type']): Tensor | null {
  if (type === 'string') {
    return typeof value === 'string' ? new Tensor('string', [value], [1, 1]) : null;
  }
  if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) return null;
  return new Tensor('float32', Float32Array.of(value), [1, 1]);
}

/** Names place and type, never the value: it may be personal data. */
function describeFault(input: OnnxInputConfig, value: unknown): string {
  const expected = input.type === 'string' ? 'a string' : 'a number within float32';
  const place = `feature ${input.name} at ${input.pointer}`;
  return value === undefined
    ? `${place} is missing, expected ${expected}`
    : `${place} is ${jsonType(value, input.type)}, expected ${expected}`;
}

function jsonType(value: unknown, wanted: OnnxInputConfig['type']): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' && wanted === 'float32') return 'a number outside float32';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
