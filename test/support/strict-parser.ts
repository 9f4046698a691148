/**
 * An independent reading of raw bytes: Node's own parser (llhttp), strict, one byte at a time, so that it
 * tells at which byte each message ends.
 */
import { createRequire } from 'node:module';

export interface StrictMessage {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** `1.0` or `1.1` */
  readonly version: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** Offsets of its first byte and after its last one. */
  readonly from: number;
  readonly to: number;
}

export interface StrictReading {
  /** Messages that are complete, interim answers included. */
  readonly messages: readonly StrictMessage[];
  /** Code of the parser's error; empty: none. */
  readonly error: string;
  /** Offset of the byte at which it stopped; the length where it did not. */
  readonly at: number;
  /** A message asked to change the protocol: what follows was not read. */
  readonly upgrade: boolean;
  /** A message has begun and is not complete. */
  readonly partial: boolean;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderBytes: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  finish(): number | Error | undefined;
  close(): void;
  [callback: number]: unknown;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kLenientAll: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageBegin: number;
  readonly kOnMessageComplete: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('node:_http_common') as {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
};

/** Methods that this parser knows; it takes no other. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(methods);
const MAX_HEADER_BYTES = 1 << 24;

export interface StrictOptions {
  /** Answers: methods of the requests that they answer, oldest first. */
  readonly answers?: readonly string[];
  /** The connection ends after the bytes. */
  readonly ends?: boolean;
  /** All that Node's parser can be told to tolerate is tolerated. */
  readonly lenient?: boolean;
  /** Bytes fed at once; the offsets of messages are exact only with 1. */
  readonly step?: number;
}

export function readStrictly(bytes: Buffer, options: StrictOptions = {}): StrictReading {
  const reader = new Reader(options.answers, options.lenient === true);
  const { step = 1 } = options;
  let at = 0;
  for (; at < bytes.length && reader.error === ''; at += step) {
    reader.feed(bytes.subarray(at, at + step), at);
    if (reader.upgrade) break;
  }
  if (options.ends === true && reader.error === '') reader.finish(bytes.length);
  return reader.reading(Math.min(at, bytes.length));
}

class Reader {
  readonly #parser = new HTTPParser();
  readonly #messages: StrictMessage[] = [];
  readonly #answers: string[] | undefined;
  #pairs: string[] = [];
  #target = '';
  #head: Omit<StrictMessage, 'body' | 'from' | 'to'> | null = null;
  #body: Buffer[] = [];
  #from = -1;
  #at = 0;
  #step = 1;
  error = '';
  upgrade = false;

  constructor(answers: readonly string[] | undefined, lenient: boolean) {
    this.#answers = answers === undefined ? undefined : [...answers];
    const parser = this.#parser;
    const type = answers === undefined ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
    parser.initialize(type, {}, MAX_HEADER_BYTES, lenient ? HTTPParser.kLenientAll : 0);
    parser[HTTPParser.kOnMessageBegin] = () => {
      this.#from = this.#at;
    };
    parser[HTTPParser.kOnHeaders] = (pairs: string[], target: string) => {
      if (this.#head !== null) return; // trailers
      this.#pairs.push(...pairs);
      this.#target += target;
    };
    parser[HTTPParser.kOnHeadersComplete] = this.#onHead.bind(this);
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => void this.#body.push(Buffer.from(bytes));
    parser[HTTPParser.kOnMessageComplete] = () => this.#onEnd();
  }

  feed(bytes: Buffer, at: number): void {
    this.#at = at;
    this.#step = bytes.length;
    this.#check(this.#parser.execute(bytes));
  }

  finish(at: number): void {
    this.#at = at;
    this.#step = 0;
    this.#check(this.#parser.finish());
  }

  reading(at: number): StrictReading {
    this.#parser.close();
    const partial = this.#from >= 0;
    return { messages: this.#messages, error: this.error, at, upgrade: this.upgrade, partial };
  }

  #check(result: number | Error | undefined): void {
    if (result instanceof Error) this.error = String(Reflect.get(result, 'code'));
  }

  /** @returns 1 where no body follows, whatever the head says */
  #onHead(
    major: number,
    minor: number,
    pairs: readonly string[] | undefined,
    method: number | undefined,
    target: string | undefined,
    status: number | undefined,
    _reason: string | undefined,
    upgrade: boolean,
  ): number {
    const all = [...this.#pairs, ...(pairs ?? [])];
    this.#head = {
      // The list leaves out what came after it in HTTP/1: QUERY alone.
      method: method === undefined ? '' : (methods[method] ?? 'QUERY'),
      target: this.#target + (target ?? ''),
      status: status ?? 0,
      version: `${major}.${minor}`,
      headers: all.flatMap((name, i) => (i % 2 === 0 ? [[name, all[i + 1] ?? ''] as const] : [])),
    };
    const isAnswer = this.#answers !== undefined;
    const asked = this.#answers?.[0];
    const switches = isAnswer
      ? status === 101 || (asked === 'CONNECT' && (status ?? 0) < 300 && (status ?? 0) >= 200)
      : upgrade;
    if (switches) {
      this.upgrade = true;
      return 2;
    }
    if (isAnswer && (status ?? 0) >= 200) this.#answers?.shift();
    return asked === 'HEAD' ? 1 : 0;
  }

  #onEnd(): void {
    const head = this.#head;
    const from = this.#from;
    this.#head = null;
    this.#from = -1;
    this.#pairs = [];
    this.#target = '';
    const body = Buffer.concat(this.#body);
    this.#body = [];
    if (head === null || this.upgrade) return;
    this.#messages.push({ ...head, body, from, to: this.#at + this.#step });
  }
}
