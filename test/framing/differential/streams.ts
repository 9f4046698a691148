/**
 * Generated streams: valid messages from parts, then changed in a few places with an alphabet of what framing
 * hangs on (CR, LF, NUL, colons, digits, the names that matter). Seeded: the same seed and number give the
 * same stream.
 */
import type { Stream } from './compare.ts';

/** 32 bits of state; good enough to choose with. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** @returns an integer from 0 to n − 1 */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** What is put in; CR and LF come often. */
const ALPHABET: readonly string[] = [
  ...['\r\n', '\r\n', '\r\n', '\r', '\n', '\n', '\r\r\n', '\n\r', '\r\n\r\n', '\r\n '],
  ...[
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '=',
    '"',
    '\\',
    '\0',
    '\x01',
    '\x0b',
    '\x7f',
    '\x80',
    '\x85',
    '\xa0',
    '\xff',
  ],
  ...['0', '1', '5', '00', '-', '+', '0x', 'a', 'F', '0\r\n\r\n', '5\r\n', '1;a', '1;a="b"', '10'],
  ...['Content-Length: ', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: h\r\n'],
  ...[
    'chunked',
    'gzip, ',
    'Connection: close\r\n',
    'Expect: 100-continue\r\n',
    'X: y\r\n',
    ': \r\n',
  ],
  ...[
    'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/1.1 200 OK\r\n',
    'GET ',
    'POST',
    '*',
    '/',
  ],
];

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'SCORE'];
const TARGETS = ['/', '/v1/score', '/a?b=c', '//x', 'http://h/', '*', '/%00'];
const FIELDS = [
  'A: b',
  'A:',
  'x-y:  z ',
  'Accept: */*',
  'A: \xe9',
  'TE: trailers',
  'Connection: keep-alive',
];
const BODIES = ['', 'x', 'hello', '\r\n', '0\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0\xff'];
const STATUSES = [
  '200 OK',
  '201 ',
  '204 No',
  '304 Not',
  '404 No',
  '500 Oh',
  '100 Continue',
  '103 Early',
  '205 R',
];

export function makeStream(dice: Dice): Stream {
  const isAnswer = dice.below(3) === 0;
  const answers = isAnswer ? dice.of(['GET', 'GET', 'POST', 'HEAD']) : '';
  let text = '';
  const count = isAnswer ? 1 + dice.below(2) : 1 + dice.below(3);
  for (let i = 0; i < count; i++) text += isAnswer ? answer(dice) : request(dice);
  for (let changes = dice.of([0, 1, 1, 1, 2, 3]); changes > 0; changes--) text = change(text, dice);
  const cut = dice.of([[1e9], [1], [1 + dice.below(9), 1 + dice.below(40)]]);
  return { bytes: Buffer.from(text, 'latin1'), answers, cut };
}

function request(dice: Dice): string {
  const version = dice.below(12) === 0 ? '1.0' : '1.1';
  const { line, body } = framing(dice, version === '1.1');
  return `${dice.of(METHODS)} ${dice.of(TARGETS)} HTTP/${version}\r\nHost: h\r\n${fields(dice)}${line}\r\n${body}`;
}

function answer(dice: Dice): string {
  const { line, body } = framing(dice, true);
  return `HTTP/1.1 ${dice.of(STATUSES)}\r\n${fields(dice)}${line}\r\n${body}`;
}

function fields(dice: Dice): string {
  let text = '';
  for (let n = dice.below(3); n > 0; n--) text += `${dice.of(FIELDS)}\r\n`;
  return text;
}

function framing(dice: Dice, mayChunk: boolean): { readonly line: string; readonly body: string } {
  const body = dice.of(BODIES);
  const kind = dice.below(mayChunk ? 3 : 2);
  if (kind === 0) return { line: '', body: '' };
  if (kind === 1) return { line: `Content-Length: ${body.length}\r\n`, body };
  const extension = dice.of(['', '', ';a', ';a=b', ';a="b\\"c"']);
  const chunk = body === '' ? '' : `${body.length.toString(16)}${extension}\r\n${body}\r\n`;
  const trailer = dice.of(['', '', 'T: v\r\n']);
  return { line: 'Transfer-Encoding: chunked\r\n', body: `${chunk}0\r\n${trailer}\r\n` };
}

function change(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1);
  const piece = dice.of(ALPHABET);
  switch (dice.below(5)) {
    case 0:
      return text.slice(0, at) + piece + text.slice(at);
    case 1:
      return text.slice(0, at) + piece + text.slice(at + piece.length);
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + dice.below(4));
    case 3: {
      // A piece of the text itself, elsewhere.
      const from = dice.below(text.length);
      return text.slice(0, at) + text.slice(from, from + 1 + dice.below(30)) + text.slice(at);
    }
    default:
      return onLineEnd(text, dice, piece);
  }
}

/** Most faults live at the ends of lines. */
function onLineEnd(text: string, dice: Dice, piece: string): string {
  const ends = [...text.matchAll(/\r\n/g)].map((match) => match.index);
  if (ends.length === 0) return text + piece;
  const at = dice.of(ends);
  return dice.below(2) === 0
    ? text.slice(0, at) + piece + text.slice(at)
    : text.slice(0, at) + piece + text.slice(at + 2);
}
