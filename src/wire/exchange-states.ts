/**
 * The states an exchange ends in, given once by the gateway, at the earliest point where it is decided.
 * Invariant, at every moment and for each route and hour: seen = Σ states + open.
 */

export const EXCHANGE_STATES = [
  'ineligible',
  'paused',
  'not_selected',
  'refused',
  'incumbent_unreachable',
  'incumbent_abort',
  'client_abort',
  'shed',
  'offered',
] as const;

export type ExchangeState = (typeof EXCHANGE_STATES)[number];

/** Why, for the states that need it; `''` elsewhere. A bounded set: reasons are metric labels. */
export const EXCHANGE_REASONS = {
  ineligible: ['route', 'method', 'upgrade', 'foreign_mark', 'opaque'],
  paused: ['operator', 'mirror_off'],
  not_selected: [''],
  refused: ['busy', 'body_timeout', 'ambiguous'],
  incumbent_unreachable: ['refused', 'unresolved', 'timeout', 'network', 'certificate', 'tls'],
  incumbent_abort: ['reset', 'truncated', 'timeout'],
  client_abort: ['reset', 'truncated', 'timeout'],
  shed: [
    'request_too_large',
    'answer_too_large',
    'gateway_memory',
    'mirror_down',
    'wire_full',
    'gateway_exit',
  ],
  offered: [''],
} as const satisfies Record<ExchangeState, readonly string[]>;

export type ExchangeReason<S extends ExchangeState = ExchangeState> =
  (typeof EXCHANGE_REASONS)[S][number];

/** Label of exchanges that no configured route matches. */
export const NO_ROUTE = '-';

/** Size classes by request bytes, head and body. Bounds are inclusive. */
export const SIZE_CLASSES = ['le_1k', 'le_16k', 'le_256k', 'gt_256k'] as const;
export type SizeClass = (typeof SIZE_CLASSES)[number];

/** @param bytes - request bytes, ≥ 0 */
export function sizeClassOf(bytes: number): SizeClass {
  if (bytes <= 1024) return 'le_1k';
  if (bytes <= 16_384) return 'le_16k';
  return bytes <= 262_144 ? 'le_256k' : 'gt_256k';
}

/**
 * The hour under which everything older than the hours that are kept is counted. Nothing else is: it lies in 1970.
 */
export const OLDER_HOURS = 0;

/** Whether what is counted in an hour is counted as older now. @param foldedBefore - hours below it are; 0: none */
export function isFolded(hour: number, foldedBefore: number): boolean {
  return hour < foldedBefore && hour !== OLDER_HOURS;
}

/** The hour in which something is counted. */
export function foldedHour(hour: number, foldedBefore: number): number {
  return isFolded(hour, foldedBefore) ? OLDER_HOURS : hour;
}

/** Hours since the Unix epoch: where an exchange's head was complete. */
export function hourOf(unixMs: number): number {
  return Math.floor(unixMs / 3_600_000);
}
