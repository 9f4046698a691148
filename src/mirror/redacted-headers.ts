/**
 * Which of a caller's headers are not the copy's. Names in lower case; credentials: config/credential-names.ts.
 */

/** Meant for one connection only: RFC 9110 §7.6.1, RFC 9112 §6, RFC 7540 §3.2.1. */
export const HOP_BY_HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Said anew for the copy. Expect: the copy's body is never withheld (RFC 9110 §10.1.1). */
export const REPLACED_HEADERS: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

/**
 * Written by proxies and gateways before us: the target once more, with all that is taken out of the copy's.
 */
export const TARGET_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-original-path',
  'x-original-uri',
  'x-original-url',
  'x-ms-original-url',
  'x-forwarded-uri',
  'x-forwarded-url',
  'x-forwarded-path',
  'x-rewrite-url',
  'x-request-uri',
  'x-waws-unencoded-url',
]);

/** What describes the body, and is sent with it even where only listed headers are. */
export const BODY_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-language',
]);

/** True of the body as the caller sent it alone: RFC 9530, RFC 3230, RFC 1864, RFC 9110 §8.4. */
const BODY_DIGEST_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  'x-content-sha256',
  'x-amz-content-sha256',
  'x-goog-hash',
]);

/** Such headers, and those of each algorithm of AWS. @param name - lower case */
export function isBodyDigest(name: string): boolean {
  return BODY_DIGEST_HEADERS.has(name) || name.startsWith('x-amz-checksum-');
}
