/** h11 (Debian's python3-h11) as a second independent reader, where it is installed. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseAnswer, parseRequest } from '../../../src/framing/message.ts';
import type { Stream, Verdict } from './compare.ts';

export interface H11Reading {
  /** Method and target, or status; headers; body in base64. */
  readonly messages: readonly (readonly [
    line: readonly [string, string],
    headers: readonly (readonly [string, string])[],
    body: string,
  ])[];
  readonly refused: boolean;
}

export class H11 {
  readonly version: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    version: string,
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
  ) {
    this.version = version;
    this.#child = child;
    this.#lines = lines;
  }

  /** @returns `null` where Python or h11 is not there */
  static async start(): Promise<H11 | null> {
    const script = join(import.meta.dirname, 'h11-reader.py');
    const child = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    return done === true ? null : new H11(String(value), child, lines);
  }

  async read(stream: Stream): Promise<H11Reading> {
    const { bytes, answers } = stream;
    this.#child.stdin.write(`${JSON.stringify({ bytes: bytes.toString('base64'), answers })}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(String(value));
  }

  stop(): void {
    this.#child.stdin.end();
  }
}

/**
 * @param whole - messages as the tap cut them
 * @returns what it comes to: h11 read each of them, too; it stopped where it is known to; or a fault
 */
export function judgeByH11(reading: H11Reading, whole: readonly Buffer[], stream: Stream): Verdict {
  const unread = reading.messages.length;
  if (unread < whole.length) {
    const known = whyUnread(whole, unread, stream.bytes);
    if (known !== '') return `known: h11 ${known}`;
  }
  const difference = differenceTo(reading, whole, stream.answers);
  return difference === '' ? 'h11: what the tap cut, it reads' : `FAULT: ${difference}`;
}

function whyUnread(whole: readonly Buffer[], unread: number, bytes: Buffer): string {
  const before = whole[unread - 1];
  if (before !== undefined && / HTTP\/1\.0\r\n/.test(before.toString('latin1'))) {
    return 'knows no keep-alive on HTTP/1.0';
  }
  let at = 0;
  for (const raw of whole.slice(0, unread)) at = bytes.indexOf(raw, at) + raw.length;
  const next = bytes.subarray(at, at + 2).toString();
  return next === '\r\n' ? 'takes no empty line before a request' : '';
}

function differenceTo(reading: H11Reading, whole: readonly Buffer[], answers: string): string {
  for (const [index, raw] of whole.entries()) {
    const ours = answers === '' ? parseRequest(raw) : parseAnswer(raw, answers);
    const theirs = reading.messages[index];
    if (ours === null || theirs === undefined) return 'h11 has not read it';
    const [line, headers, body] = theirs;
    const own = 'method' in ours ? [ours.method, ours.target] : [String(ours.status), ''];
    if (line.join(' ') !== own.join(' ')) return 'h11 read another first line';
    if (body !== ours.body.toString('base64')) return 'h11 read another body';
    if (JSON.stringify(headers) !== JSON.stringify(ours.headers)) return 'h11 read other fields';
  }
  return '';
}
