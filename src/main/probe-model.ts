/**
 * Loads a model once and says whether it fits: the process that `understudy check` starts, so that a native
 * crash of the runtime is a sentence there. Standard input: the candidate as JSON. Standard output: a
 * `ModelProbe` as JSON.
 */
import { readFileSync } from 'node:fs';
import { UnderstudyError } from '../errors.ts';
import { loadModel } from '../model/session.ts';

/** `code` is empty where the model fits. */
export interface ModelProbe {
  readonly code: string;
  readonly message: string;
}

async function probe(): Promise<ModelProbe> {
  try {
    const model = await loadModel(JSON.parse(readFileSync(0, 'utf8')));
    await model.release();
    return { code: '', message: '' };
  } catch (error) {
    if (error instanceof UnderstudyError) return { code: error.code, message: error.message };
    return { code: 'UND_MODEL_INVALID', message: String(error) };
  }
}

process.stdout.write(JSON.stringify(await probe()));
