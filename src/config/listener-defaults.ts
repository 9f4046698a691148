/** How we speak TLS to others. */
export const PEER_TLS_DEFAULTS = {
  caFile: '',
  serverName: '',
  certFile: '',
  keyFile: '',
  verify: true,
} as const;

/** What a listener's part of a configuration file need not say: a part of `DEFAULTS`. */
export const LISTENER_DEFAULTS = {
  name: 'main',
  host: '127.0.0.1',
  insert: {
    xForwardedFor: 'leave',
    xForwardedProto: 'leave',
    xForwardedHost: 'leave',
    forwarded: 'leave',
    traceparent: 'leave',
    requestId: 'leave',
  },
  tls: {
    clientCertificates: 'off',
    clientCaFile: '',
    minVersion: '1.2',
    handshakeTimeoutMs: 10_000,
  },
  upstream: { ...PEER_TLS_DEFAULTS, proxyProtocol: 'off' },
  proxyProtocol: 'off',
  proxyTimeoutMs: 5_000,
} as const;
