/** What a configuration file need not say of redaction, and its limits: parts of `DEFAULTS` and `LIMITS`. */
export const REDACTION_DEFAULTS = { denyHeaders: [], allowHeaders: null, keys: [] } as const;

export const ROUTE_REDACTION_DEFAULTS = {
  from: 'all',
  rules: { request: [], answers: [], query: [] },
} as const;

export const REDACTION_LIMITS = {
  /** Rules of a route, of each kind. */
  redactionRules: 64,
  /** Names of headers that are denied or allowed. */
  policyHeaders: 256,
  /** Keys that are known at once: the one in use, and those of earlier values. */
  hmacKeys: 8,
  /** Bytes of a key: 128 bits at least; HMAC hashes what is longer than its block. */
  hmacKeyBytesMin: 16,
  hmacKeyBytesMax: 1_024,
  /** Networks and names that a candidate may have although they are refused to all. */
  allowedAddresses: 16,
} as const;
