/**
 * What callers send and the incumbent answers, byte for byte, as a function of a number: so that each side
 * knows what it must have received, and no two exchanges have the same bytes.
 */

/** Highest number so far: numbers are unique in a test file. */
let drawn = 0;

/** A number that no other exchange has. */
export function drawNumber(): number {
  drawn += 1;
  return drawn;
}

export interface RequestOptions {
  /** JSON. */
  readonly body?: string;
  /** Lines of the head, without their ends. */
  readonly headers?: readonly string[];
  /** Default `/v1/score`. */
  readonly target?: string;
}

/** Odd case, order and repetition on purpose: they must arrive as they are. */
export function requestOf(number: number, options: RequestOptions = {}): Buffer {
  const body = options.body ?? `{"amount":${number},"country":"DE"}`;
  const head = [
    `POST ${options.target ?? '/v1/score'} HTTP/1.1`,
    'hOST: scoring.example',
    `X-Number: ${number}`,
    'X-Twice: a',
    'x-tWICE: b',
    'Content-Type: application/json',
    ...(options.headers ?? []),
    `content-LENGTH: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The incumbent's score for an exchange. */
export function scoreOf(number: number): number {
  return (number % 100) / 100;
}

/** Four forms in turn: with a length, chunked with trailers, larger, and with an interim answer before it. */
export function answerOf(number: number): Buffer {
  const form = number % 4;
  const pad = form === 2 ? `,"pad":"${String(number).repeat(20_000 / String(number).length)}"` : '';
  const body = `{"score":${scoreOf(number)},"label":"good","model_version":"inc-1"${pad}}`;
  const interim = form === 3 ? 'HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n' : '';
  const head = `HTTP/1.1 200 Fine By Me\r\ncontent-TYPE: application/json\r\nX-Answer: ${number}\r\nX-twice: a\r\nx-Twice: b\r\n`;
  if (form !== 1) {
    return Buffer.from(
      `${interim}${head}Content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  const chunks = [body.slice(0, 7), body.slice(7)];
  const chunked = chunks.map((text) => `${text.length.toString(16)};ext=1\r\n${text}\r\n`).join('');
  return Buffer.from(
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunked}0\r\nX-Trailer: ${number}\r\n\r\n`,
  );
}
