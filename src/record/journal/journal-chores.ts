/**
 * Long jobs on a journal that is in use, one at a time, beside the batches: a backup, an erasure. What came of the last
 * one stands in the status, under the id that whoever asked for it has drawn.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../../errors.ts';
import type { Journal } from './journal.ts';
import { journalErrorCode } from './sqlite-errors.ts';

export type ChoreRequest =
  | { readonly kind: 'backup'; readonly id: string; readonly path: string }
  | { readonly kind: 'erase'; readonly id: string; readonly key: string };

export interface ChoreStatus {
  readonly id: string;
  readonly kind: ChoreRequest['kind'];
  readonly state: 'running' | 'done' | 'failed';
  /** Why it failed: code and sentence; else ''. */
  readonly error: ErrorCode | '';
  readonly message: string;
  /** Pairs erased so far; 0 for a backup. */
  readonly pairs: number;
}

/** An erasure leaves the disk so long to others after each step. */
const PAUSE_MS = 2;

export class JournalChores {
  readonly #journal: () => Journal | null;
  readonly #onErased: () => void;
  #status: ChoreStatus | null = null;

  /**
   * @param journal - the one that is open now
   * @param onErased - pairs have left that others may hold; called after each step in which some have
   */
  constructor(journal: () => Journal | null, onErased: () => void) {
    this.#journal = journal;
    this.#onErased = onErased;
  }

  /** The last one, running or ended. */
  get status(): ChoreStatus | null {
    return this.#status;
  }

  /** Begins one; while another runs it is refused, and the status goes on being that of the other. Never rejects. */
  async run(request: ChoreRequest): Promise<void> {
    if (this.#status?.state === 'running') return;
    const { id, kind } = request;
    this.#status = { id, kind, state: 'running', error: '', message: '', pairs: 0 };
    try {
      const journal = this.#open();
      if (request.kind === 'backup') await journal.backup(request.path);
      else await this.#erase(journal, request.key);
      this.#status = { ...this.#status, state: 'done' };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#status = { ...this.#status, state: 'failed', error: journalErrorCode(error), message };
    }
  }

  async #erase(journal: Journal, key: string): Promise<void> {
    let told = 0;
    for (const pairs of journal.erase(key)) {
      // At once: filling and cutting take long, and may fail.
      if (pairs > told) this.#onErased();
      told = pairs;
      if (this.#status !== null) this.#status = { ...this.#status, pairs };
      await sleep(PAUSE_MS);
      await nextTurn();
      if (this.#journal() !== journal) throw new Error('The journal was closed meanwhile.');
    }
  }

  #open(): Journal {
    const journal = this.#journal();
    if (journal === null) throw new Error('The journal is not open: see understudy status.');
    return journal;
  }
}
