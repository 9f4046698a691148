import { join } from 'node:path';
import type { ModelConfig } from '../../src/model/session.ts';

/** The path of a model in `fixtures/`; `make_models.py` there says what each computes. */
export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name);
}

/** A configuration that fits `tiny.onnx`. */
export function tinyConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    model: fixture('tiny.onnx'),
    modelVersion: 'tiny-1',
    inputs: [
      { name: 'amount', pointer: '/loan/amount', type: 'float32' },
      { name: 'grade', pointer: '/grade', type: 'string' },
    ],
    output: 'probabilities',
    scoreColumn: 1,
    threshold: 0.5,
    labels: ['good', 'bad'],
    ...changes,
  };
}

/** What `tiny.onnx` computes, in double precision. */
export function tinyScore(amount: number, grade: string): number {
  const numbers: Record<string, number> = { A: -2, B: 0, C: 2 };
  return 1 / (1 + Math.exp(-(amount / 1000 + (numbers[grade] ?? 4))));
}
