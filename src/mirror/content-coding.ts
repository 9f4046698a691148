/**
 * Undoes content-encoding, with limits on the result, on how much it grows and on the number of codings.
 * Synchronous: a body is small or a limit bites, and the pool of threads stays out of the way.
 */
import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import { LIMITS } from '../config/defaults.ts';
import type { BodySizes } from './body-sizes.ts';

type Inflate = (body: Buffer, options: { maxOutputLength: number; info: true }) => unknown;

/** RFC 9110 §8.4.1, RFC 7932, RFC 8878. `x-gzip` is gzip (RFC 9110 §8.4.1.3). */
const DECODERS: Readonly<Record<string, (body: Buffer, maxBytes: number) => Buffer>> = {
  __proto__: null as never,
  gzip: (body, maxBytes) => whole(gunzipSync, body, maxBytes),
  'x-gzip': (body, maxBytes) => whole(gunzipSync, body, maxBytes),
  deflate: inflate,
  br: (body, maxBytes) => whole(brotliDecompressSync, body, maxBytes),
  zstd: (body, maxBytes) => whole(zstdDecompressSync, body, maxBytes),
  identity: (body) => body,
};

/** More than this is nobody's real answer, and each costs a pass. */
const MAX_CODINGS = 3;

export type Decoded =
  | { readonly body: Buffer }
  /** `encoding`: unknown or broken, or with bytes behind its end. `too_large`, `ratio`: over the limit of that name. */
  | { readonly error: DecodeError };

export type DecodeError = 'encoding' | 'too_large' | 'ratio';

export interface DecodeLimits {
  /** Of the decoded body, ≥ 0. */
  readonly maxBytes: number;
  /** Decoded over encoded bytes; a body of up to LIMITS.decodedRatioFloorBytes may have any. */
  readonly maxRatio: number;
  /** Told of each body that is within the limits. */
  readonly sizes?: BodySizes;
}

/**
 * @param encoding - value of Content-Encoding, `''` where there is none; the last coding was applied last
 * @returns never more bytes than the limits allow, and no more are ever made
 */
export function decodeContent(body: Buffer, encoding: string, limits: DecodeLimits): Decoded {
  const { maxBytes, maxRatio } = limits;
  const grown = Math.max(LIMITS.decodedRatioFloorBytes, body.length * maxRatio);
  const most = Math.max(1, Math.min(maxBytes, grown));
  let decoded = body;
  if (encoding !== '' && body.length > 0) {
    const codings = encoding.split(',').map((coding) => coding.trim().toLowerCase());
    if (codings.length > MAX_CODINGS) return { error: 'encoding' };
    for (const coding of codings.reverse()) {
      const decode = DECODERS[coding];
      if (decode === undefined) return { error: 'encoding' };
      try {
        decoded = decode(decoded, most);
      } catch (error) {
        if (!isTooLarge(error)) return { error: 'encoding' };
        return { error: grown < maxBytes ? 'ratio' : 'too_large' };
      }
    }
  }
  if (decoded.length > maxBytes) return { error: 'too_large' };
  limits.sizes?.decoded(body.length, decoded.length);
  return { body: decoded };
}

/** `deflate` is the zlib format (RFC 9110 §8.4.1.2); some servers send the raw one. */
function inflate(body: Buffer, maxBytes: number): Buffer {
  try {
    return whole(inflateSync, body, maxBytes);
  } catch (error) {
    if (isTooLarge(error)) throw error;
    return whole(inflateRawSync, body, maxBytes);
  }
}

/**
 * Decoders stop at the end of their stream, zstd's at that of its first frame. Another reader may go on, and read
 * what nobody has looked at here: bytes behind the end are an error.
 */
function whole(decode: Inflate, body: Buffer, maxOutputLength: number): Buffer {
  // With `info` there is the engine, too; its bytesWritten are the bytes that it has taken.
  const { buffer, engine } = decode(body, { maxOutputLength, info: true }) as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (engine.bytesWritten !== body.length) throw new Error('bytes behind the end');
  return buffer;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
