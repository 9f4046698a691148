/**
 * Why a connection can no longer be framed without doubt. From there on it is opaque: relayed, never
 * mirrored. A bounded set: reasons are metric labels. Sections are of RFC 9112 where not said otherwise.
 */
export const OPAQUE_REASONS = [
  /** Not a request line (3), or not a status line (4). */
  'request_line',
  'status_line',
  /** Another version than HTTP/1.0 and HTTP/1.1; prior-knowledge HTTP/2 apart. */
  'version',
  'http2_preface',
  /** A target that is no form its method allows (3.2). */
  'target',
  /** Missing, repeated or malformed Host (3.2), or one that contradicts an absolute target (3.2.2). */
  'host',
  /** No colon, an empty name, or a name that is no token (5). */
  'field',
  'space_before_colon',
  'obs_fold',
  /** CR, LF or NUL alone, or another control character. */
  'control_character',
  /** Repeated, a list, or not 1 to 15 digits (6.3). */
  'content_length',
  /** Anything but one `chunked`, on HTTP/1.1 (6.1). */
  'transfer_encoding',
  /** Content-Length and Transfer-Encoding together (6.3). */
  'length_conflict',
  /** Chunk size, extension or the CRLF after chunk data (7.1). */
  'chunk',
  'trailer',
  /** A head, chunk line or trailer section over the limit. */
  'head_too_long',
  /** More requests owed an answer than the limit. */
  'pipelined',
  /** Answer bytes while no request is owed one. */
  'unexpected_answer',
  /** Bytes after a message that ends the connection: `Connection: close`, or HTTP/1.0 without keep-alive (9.3). */
  'after_close',
  /** An interim answer to HTTP/1.0 (RFC 9110, 15.2). */
  'interim',
  /** The connection changed its protocol: 101, or CONNECT with 2xx. */
  'upgrade',
  /** Bytes after an upgrade or CONNECT request, over the limit, while nobody knows what they are. */
  'upgrade_pending',
  /** A final answer before the body that `Expect: 100-continue` announced; what comes next is in doubt. */
  'expect',
  /** 205 with content (RFC 9110, 15.3.6). */
  'reset_content',
] as const;

export type OpaqueReason = (typeof OPAQUE_REASONS)[number];
