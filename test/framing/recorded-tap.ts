/** A tap whose events are written down, in a form that does not depend on how bytes were cut. */
import { ConnectionTap, type TapLimits } from '../../src/framing/connection-tap.ts';
import type { RequestHead } from '../../src/framing/request-head.ts';

export const TAP_LIMITS: TapLimits = {
  maxHeadBytes: 4_096,
  maxPipelined: 20,
  watchedField: 'x-mark',
  rejects: false,
};

/** One exchange as the tap cut it. Bytes are latin1 text. */
export interface RecordedExchange {
  readonly head: RequestHead;
  request: string;
  requestEnded: boolean;
  status: number;
  answer: string;
  answerEnded: boolean;
}

export interface RecordedTap {
  readonly tap: ConnectionTap;
  readonly exchanges: RecordedExchange[];
  /** Opaque reasons, at most one. */
  readonly opaque: string[];
  /** Reasons of a refusal, at most one. */
  readonly refused: string[];
  /** All bytes of the caller that were found clear. */
  cleared(): string;
}

export function recordedTap(limits: Partial<TapLimits> = {}): RecordedTap {
  const exchanges: RecordedExchange[] = [];
  const opaque: string[] = [];
  const refused: string[] = [];
  let cleared = '';
  const live = (): void => {
    if (opaque.length > 0) throw new Error('an event after the connection turned opaque');
  };
  const reading = (): RecordedExchange => exchanges.at(-1) ?? missing();
  const answered = (): RecordedExchange => exchanges.find((e) => !e.answerEnded) ?? missing();
  const tap = new ConnectionTap(
    {
      requestHead(head) {
        live();
        exchanges.push({
          head,
          request: '',
          requestEnded: false,
          status: 0,
          answer: '',
          answerEnded: false,
        });
      },
      requestBytes(bytes) {
        live();
        reading().request += bytes.toString('latin1');
        cleared += bytes.toString('latin1');
      },
      requestEnd() {
        live();
        reading().requestEnded = true;
      },
      unframed(bytes) {
        live();
        cleared += bytes.toString('latin1');
      },
      refused(reason) {
        live();
        refused.push(reason);
      },
      answerBegin: live,
      answerHead(head) {
        live();
        answered().status = head.status;
      },
      answerBytes(bytes) {
        live();
        answered().answer += bytes.toString('latin1');
      },
      answerEnd() {
        live();
        answered().answerEnded = true;
      },
      opaque(reason) {
        live();
        opaque.push(reason);
      },
    },
    { ...TAP_LIMITS, ...limits },
  );
  return { tap, exchanges, opaque, refused, cleared: () => cleared };
}

function missing(): never {
  throw new Error('an event without an exchange');
}
