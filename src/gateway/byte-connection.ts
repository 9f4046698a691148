/**
 * What a splice needs of one of its two sides. A plain `net.Socket` is one as it stands, so that nothing
 * stands between the splice and its fast path (shared-read.ts); TLS is another.
 */

/**
 * Takes one read: an immutable copy, the receiver's to keep.
 *
 * @returns `false` to stop reading until `resume()`
 */
export type OnBytes = (bytes: Buffer) => boolean;

/** Where bytes are written to. What was written before `end` still goes; `destroy` drops it. */
export interface ByteSink {
  /** @returns `false` when enough is queued: `drain` follows */
  write(bytes: Buffer, done?: () => void): boolean;
  /** Ends this direction alone. */
  end(): unknown;
  /** Stops reading. */
  pause(): unknown;
  /** Reads on, after `pause` or where `OnBytes` said `false`. */
  resume(): unknown;
  destroy(): unknown;
  /** Ends both directions at once with a TCP reset, or as near to one as the transport comes. */
  resetAndDestroy(): unknown;
  /** Bytes that were written and that the kernel does not have yet. */
  readonly writableLength: number;
  readonly writableEnded: boolean;
}

/**
 * One open connection. `end`: the peer has ended its direction; `error`: a reset, or what counts as one;
 * `close`: both directions are over, and always last.
 */
export interface ByteConnection extends ByteSink {
  readonly destroyed: boolean;
  /** `write` said `false`, and `drain` is still to come. */
  readonly writableNeedDrain: boolean;
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
