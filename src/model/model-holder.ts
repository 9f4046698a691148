import { stat } from 'node:fs/promises';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { loadModel, type Model, type ModelConfig } from './session.ts';

/** Told once for each change: loaded, or another reason why not. */
export type OnModelState = (state: { readonly ready: boolean; readonly error: string }) => void;

/**
 * Holds the one model of a process. While there is none, it looks at the file every
 * `LIMITS.modelPollMs` and tries again when the file has appeared or changed; so a missing or wrong file
 * heals without a restart. Once loaded, a model stays: sessions leak memory when they are made and
 * released again and again, so another model is another process.
 */
export class ModelHolder {
  readonly #config: ModelConfig;
  readonly #onState: OnModelState;
  #model: Model | null = null;
  #error = 'UND_MODEL_NOT_READY: the model is being loaded';
  #triedSignature: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(config: ModelConfig, onState: OnModelState) {
    this.#config = config;
    this.#onState = onState;
  }

  /** The model, or why there is none: `CODE: sentence`. */
  get current(): Model | string {
    return this.#model ?? this.#error;
  }

  /** Tries to load now, then by itself until it has; resolves after the first try. Never rejects. */
  async start(): Promise<void> {
    await this.#attempt();
    if (this.#model !== null || this.#closed) return;
    // A chain of timers, not an interval: loads never overlap. `start` never rejects.
    this.#timer = setTimeout(() => void this.start(), LIMITS.modelPollMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#model?.release();
    this.#model = null;
  }

  async #attempt(): Promise<void> {
    const signature = await signatureOf(this.#config.model);
    if (signature === this.#triedSignature) return;
    this.#triedSignature = signature;
    try {
      const model = await loadModel(this.#config);
      if (this.#closed) return await model.release();
      this.#model = model;
      this.#onState({ ready: true, error: '' });
    } catch (error) {
      this.#report(describe(error));
    }
  }

  #report(error: string): void {
    if (error === this.#error) return;
    this.#error = error;
    this.#onState({ ready: false, error });
  }
}

/** Changes whenever the file is written, replaced or made readable; empty while there is none. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { ino, size, ctimeMs } = await stat(path);
    return `${ino}:${size}:${ctimeMs}`;
  } catch {
    return '';
  }
}

function describe(error: unknown): string {
  return error instanceof UnderstudyError
    ? `${error.code}: ${error.message}`
    : `UND_MODEL_INVALID: ${String(error).slice(0, LIMITS.errorCharacters)}`;
}
