import type { Pair } from '../pair/pair.ts';
import type { DemoRow } from './dataset.ts';
import { toSpread } from './quantile.ts';
import type { ClientView } from './render-summary.ts';
import type { ReplayAnswer } from './replay.ts';

/** What the replaying client was answered, row by row: the callers' side of the story. */
export class ReplayLog {
  readonly #rows: readonly DemoRow[];
  /** `loan_id` → body as it was answered. */
  readonly #answers = new Map<string, string>();
  readonly #latencies: number[] = [];
  readonly #failures = new Map<string, number>();

  constructor(rows: readonly DemoRow[]) {
    this.#rows = rows;
  }

  /** Answers and failures so far. */
  get sent(): number {
    let failed = 0;
    for (const count of this.#failures.values()) failed += count;
    return this.#latencies.length + failed;
  }

  add({ index, status, body, latencyMs, failure }: ReplayAnswer): void {
    if (status === 200) {
      this.#latencies.push(latencyMs);
      this.#answers.set(this.#rows[index]?.id ?? '', body);
    } else {
      const reason = failure === '' ? `status ${status}` : failure;
      this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    }
  }

  /** `3 × ECONNRESET, 1 × status 502`; empty when all were answered 200. */
  get failures(): string {
    return Array.from(this.#failures, ([reason, count]) => `${count} × ${reason}`).join(', ');
  }

  /** @param seconds - from the first request to the last answer */
  view(pairs: readonly Pair[], seconds: number): ClientView {
    return {
      sent: this.sent,
      answered: this.#latencies.length,
      paired: pairs.filter(({ join }) => this.#answers.has(join ?? '')).length,
      asRecorded: pairs.filter((pair) => this.#isAsAnswered(pair)).length,
      seconds,
      latency: toSpread(this.#latencies),
    };
  }

  /** Does the pair say of the incumbent what its caller was told? */
  #isAsAnswered({ join, incumbent }: Pair): boolean {
    const answer = this.#answers.get(join ?? '');
    const prediction = incumbent.predictions[0];
    if (answer === undefined || prediction === undefined) return false;
    const told = parse(answer);
    return (
      told?.score === prediction.score &&
      told?.label === prediction.label &&
      told?.model_version === incumbent.model_version
    );
  }
}

function parse(text: string): { score?: unknown; label?: unknown; model_version?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
