/** Reads the JSON body of a scoring request, within limits, decoded as its Content-Encoding says. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** RFC 9110 section 8.4.1, RFC 8878 (zstd). A caller may compress towards the incumbent: so may its copy. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  'x-gzip': promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  br: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  zstd: promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
};

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * @returns the parsed body; `undefined` when the caller went away before it was complete
 * @throws {UnderstudyError} `UND_SCORE_TOO_LARGE` over `LIMITS.scoreBodyBytes`, as sent or decoded;
 *   `UND_SCORE_REQUEST` not decodable, not UTF-8, not JSON
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const sent = await collect(request);
  if (sent === null) return undefined;
  const body = await decode(sent, request.headers['content-encoding'] ?? '');
  try {
    return JSON.parse(UTF8.decode(body));
  } catch (cause) {
    throw new UnderstudyError('UND_SCORE_REQUEST', 'the body is not JSON in UTF-8', { cause });
  }
}

/** @returns null when the connection ended before the body did */
async function collect(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > LIMITS.scoreBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Left early, the plain iterator would destroy the connection, and the answer with it.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > LIMITS.scoreBodyBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UnderstudyError) throw error;
    return null;
  }
  return request.complete ? Buffer.concat(chunks, bytes) : null;
}

/** Codings are undone from the last to the first; more than two are an attack, not a habit. */
async function decode(body: Buffer, contentEncoding: string): Promise<Buffer> {
  const codings = contentEncoding.split(',').map((coding) => coding.trim().toLowerCase());
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (applied.length > 2) {
    throw new UnderstudyError('UND_SCORE_REQUEST', 'the body has more than two content codings');
  }
  let decoded = body;
  for (const coding of applied.reverse()) {
    const decoder = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (decoder === undefined) {
      throw new UnderstudyError('UND_SCORE_REQUEST', 'the content coding is not supported');
    }
    decoded = await undo(decoder, decoded);
  }
  return decoded;
}

async function undo(decoder: Decoder, body: Buffer): Promise<Buffer> {
  try {
    return await decoder(body, { maxOutputLength: LIMITS.scoreBodyBytes });
  } catch (cause) {
    const isOver =
      cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    if (isOver) throw tooLarge();
    const message = 'the body cannot be decoded as its content-encoding says';
    throw new UnderstudyError('UND_SCORE_REQUEST', message, { cause });
  }
}

function tooLarge(): UnderstudyError {
  const message = `the body is over ${LIMITS.scoreBodyBytes} bytes, as sent or decoded`;
  return new UnderstudyError('UND_SCORE_TOO_LARGE', message);
}
