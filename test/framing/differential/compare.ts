/** One stream of bytes, read by the tap and by Node's own strict parser: do they agree? */
import { ConnectionTap, type TapLimits } from '../../../src/framing/connection-tap.ts';
import { parseAnswer, parseRequest } from '../../../src/framing/message.ts';
import { segments } from '../../support/segments.ts';
import { KNOWN_METHODS, readStrictly, type StrictReading } from '../../support/strict-parser.ts';

export interface Stream {
  readonly bytes: Buffer;
  /** Answers to a request with this method; empty: it is requests. */
  readonly answers: string;
  /** How the tap is fed. */
  readonly cut: readonly number[];
}

/**
 * `same`: both read the same messages to the end. `stricter: REASON`: the tap is in doubt where Node's parser
 * is not; what stood before is the same. `both`: both refuse. `known: WHY`: Node's parser refuses what is
 * valid. `FAULT: …`: anything else.
 */
export type Verdict = string;

const LIMITS: TapLimits = {
  maxHeadBytes: 65_536,
  maxPipelined: 1_000,
  watchedField: '',
  rejects: false,
};

interface TapReading {
  readonly whole: readonly Buffer[];
  readonly opaque: string;
  readonly partial: boolean;
  readonly upgrade: boolean;
  /** Method of the request that is not whole. */
  readonly methods: readonly string[];
}

/** @returns the whole messages that the tap cut, before any doubt */
export function wholeOf(stream: Stream): readonly Buffer[] {
  return (stream.answers === '' ? tapRequests(stream) : tapAnswers(stream)).whole;
}

export function compare(stream: Stream): Verdict {
  const tap = stream.answers === '' ? tapRequests(stream) : tapAnswers(stream);
  const options = stream.answers === '' ? {} : { answers: [stream.answers], ends: true };
  const node = readStrictly(stream.bytes, { ...options, step: stream.bytes.length });
  return judge(stream, tap, node);
}

function judge(stream: Stream, tap: TapReading, node: StrictReading): Verdict {
  const isAnswer = stream.answers !== '';
  const messages = isAnswer ? node.messages.filter((m) => m.status >= 200) : node.messages;
  for (const [index, raw] of tap.whole.entries()) {
    const message = messages[index];
    const ours = isAnswer ? parseAnswer(raw, stream.answers) : parseRequest(raw);
    if (ours === null) return 'FAULT: a message that the tap cut cannot be read';
    if (message === undefined) return missing(tap, node, index);
    if (!isSame(ours, message)) return 'FAULT: another reading';
  }
  const refused = node.error !== '' && node.error !== 'HPE_INVALID_EOF_STATE';
  if (tap.opaque !== '') return refused ? 'both' : `stricter: ${tap.opaque}`;
  if (tap.upgrade || node.upgrade) return tap.upgrade ? 'same' : 'FAULT: an upgrade unseen';
  if (refused) return stricterNode(tap, node);
  return messages.length === tap.whole.length ? 'same' : 'FAULT: the tap has seen less';
}

/** The tap has a whole message that Node's parser has not. */
function missing(tap: TapReading, node: StrictReading, index: number): Verdict {
  if (node.upgrade) return 'same';
  if (!KNOWN_METHODS.has(tap.methods[index] ?? 'GET')) return 'known: a method of its own';
  return `FAULT: only the tap reads it (${node.error})`;
}

function stricterNode(tap: TapReading, node: StrictReading): Verdict {
  if (node.error === 'HPE_INVALID_METHOD') return 'known: a method of its own';
  // A method in the making, say `GEX`, or a head that is not whole: the tap has not judged it yet.
  if (tap.partial) return 'known: refused before it is whole';
  return `FAULT: only Node refuses it (${node.error})`;
}

function isSame(
  ours: NonNullable<ReturnType<typeof parseRequest> | ReturnType<typeof parseAnswer>>,
  message: StrictReading['messages'][number],
): boolean {
  const line =
    'method' in ours
      ? ours.method === message.method && ours.target === message.target
      : ours.status === message.status;
  return (
    line &&
    ours.version === message.version &&
    ours.body.equals(message.body) &&
    ours.headers.length === message.headers.length &&
    ours.headers.every(([name, value], i) => {
      const [otherName, otherValue] = message.headers[i] ?? [];
      return name === otherName && value === otherValue;
    })
  );
}

function tapRequests(stream: Stream): TapReading {
  const reader = new Reader();
  for (const piece of segments(stream.bytes, stream.cut)) reader.tap.request(piece);
  return reader.reading(reader.requests, reader.tap.requestPartial);
}

function tapAnswers(stream: Stream): TapReading {
  const reader = new Reader();
  const target = stream.answers === 'CONNECT' ? 'h:1' : '/';
  reader.tap.request(Buffer.from(`${stream.answers} ${target} HTTP/1.1\r\nHost: h\r\n\r\n`));
  for (const piece of segments(stream.bytes, stream.cut)) reader.tap.answer(piece);
  reader.tap.answerEof();
  return reader.reading(reader.answers, reader.tap.answerPartial);
}

class Reader {
  readonly requests: Buffer[] = [];
  readonly answers: Buffer[] = [];
  readonly methods: string[] = [];
  #request: Buffer[] = [];
  #answer: Buffer[] = [];
  #opaque = '';
  #upgrade = false;

  readonly tap: ConnectionTap = new ConnectionTap(
    {
      requestHead: (head) => {
        this.methods.push(head.method);
        this.#upgrade ||= head.upgrade;
      },
      requestBytes: (bytes) => void this.#request.push(bytes),
      requestEnd: () => {
        this.requests.push(Buffer.concat(this.#request));
        this.#request = [];
      },
      unframed: () => undefined,
      refused: () => undefined,
      answerBegin: () => undefined,
      answerHead: () => undefined,
      answerBytes: (bytes) => void this.#answer.push(bytes),
      answerEnd: () => {
        this.answers.push(Buffer.concat(this.#answer));
        this.#answer = [];
      },
      opaque: (reason) => {
        this.#opaque = reason;
      },
    },
    LIMITS,
  );

  reading(whole: readonly Buffer[], partial: boolean): TapReading {
    return {
      whole,
      opaque: this.#opaque,
      partial,
      upgrade: this.#upgrade,
      methods: this.methods,
    };
  }
}
