/** How large single bodies are lately: the use of the caps that hold for each of them. */
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import type { BodyCaps } from '../record/mirror-status.ts';
import { RecentMax } from '../telemetry/recent-max.ts';

export class BodySizes {
  readonly #request = new RecentMax();
  readonly #answer = new RecentMax();
  readonly #decoded = new RecentMax();
  readonly #ratio = new RecentMax();

  /** An exchange has arrived; bytes as a gateway kept them, heads included. */
  exchange(requestBytes: number, answerBytes: number): void {
    this.#request.note(requestBytes);
    this.#answer.note(answerBytes);
  }

  /** A body was decoded, within the caps. */
  decoded(encodedBytes: number, decodedBytes: number): void {
    this.#decoded.note(decodedBytes);
    if (decodedBytes > LIMITS.decodedRatioFloorBytes) this.#ratio.note(decodedBytes / encodedBytes);
  }

  status({ gateway, mirror }: Pick<Config, 'gateway' | 'mirror'>): BodyCaps {
    return {
      requestBytes: { largest: this.#request.value, max: gateway.maxRequestBytes },
      answerBytes: { largest: this.#answer.value, max: gateway.maxAnswerBytes },
      decodedBytes: { largest: this.#decoded.value, max: mirror.maxDecodedBytes },
      decodedRatio: { largest: this.#ratio.value, max: mirror.maxDecodedRatio },
    };
  }
}
