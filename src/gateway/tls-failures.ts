/** Why a TLS handshake with a caller failed, as a bounded set: reasons are metric labels. */

export const HANDSHAKE_FAILURES = [
  'timeout',
  'aborted',
  'not_tls',
  'protocol',
  'alpn',
  'client_certificate',
  'alert',
  'no_certificate',
  'other',
] as const;
export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

/** OpenSSL's and Node's codes; what stands nowhere is `other`. */
const BY_CODE: Readonly<Record<string, HandshakeFailure>> = {
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'aborted',
  EPIPE: 'aborted',
  ERR_SSL_UNEXPECTED_EOF_WHILE_READING: 'aborted',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not_tls',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol',
  ERR_SSL_VERSION_TOO_LOW: 'protocol',
  ERR_SSL_NO_SHARED_CIPHER: 'protocol',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'protocol',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'protocol',
  ERR_SSL_NO_SUITABLE_GROUPS: 'protocol',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'alpn',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'client_certificate',
};

/** @param error - as the TLS server gave it before the handshake was complete */
export function toHandshakeFailure(error: Error): HandshakeFailure {
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code !== 'string') return 'other';
  return BY_CODE[code] ?? (code.includes('ALERT') ? 'alert' : 'other');
}
