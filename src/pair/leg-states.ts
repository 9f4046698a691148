/**
 * The states a leg (one copy of an offered exchange, for one candidate) ends in, given once.
 * Invariant, for each epoch and candidate: offered exchanges of its routes = Σ states + in flight.
 */

export const LEG_STATES = [
  'ineligible',
  'not_selected',
  'paused',
  'undecodable',
  'shed',
  'breaker_open',
  'candidate_error',
  'candidate_timeout',
  'paired',
  'journal_dropped',
  'lost_in_crash',
] as const;

export type LegState = (typeof LEG_STATES)[number];

/** Reasons by state, a bounded set: they are metric labels. `''` where the state says all. */
export const LEG_REASONS = {
  ineligible: ['foreign_mark', 'not_configured'],
  not_selected: [''],
  paused: ['operator', 'mirror_off'],
  undecodable: ['malformed', 'encoding', 'too_large', 'ratio', 'parse_budget', 'redaction'],
  shed: [
    'mirror_memory',
    'queue_age',
    'in_flight',
    'mirror_exit',
    'request_rate',
    'daily_budget',
    'adaptive_limit',
    'memory_pressure',
    'parse_budget',
    'request_too_large',
    'answer_too_large',
  ],
  breaker_open: [''],
  candidate_error: [
    'refused',
    'unresolved',
    'reset',
    'tls',
    'malformed',
    'too_large',
    'model_down',
    'forbidden_address',
    'network',
  ],
  candidate_timeout: [''],
  paired: [''],
  journal_dropped: ['recorder_stalled', 'journal_full', 'disk', 'recorder_down', 'id_conflict'],
  lost_in_crash: [''],
} as const satisfies Record<LegState, readonly string[]>;

/** How a state counts in coverage = observed / (observed + lost); the rest is outside. */
export const LEG_COVERAGE = {
  ineligible: 'outside',
  not_selected: 'outside',
  paused: 'outside',
  undecodable: 'lost',
  shed: 'lost',
  breaker_open: 'lost',
  candidate_error: 'observed',
  candidate_timeout: 'observed',
  paired: 'observed',
  journal_dropped: 'lost',
  lost_in_crash: 'lost',
} as const satisfies Record<LegState, 'observed' | 'lost' | 'outside'>;

/** The three states that make a pair record. */
export type ObservedLegState = 'paired' | 'candidate_error' | 'candidate_timeout';

/** The hour of legs that are older than the hours kept: that of older exchanges, too (wire/exchange-states.ts). */
export const OLDER_LEGS_HOUR = 0;

/** Which leg: an offered exchange (epoch, route, hour, size class) for one candidate. */
export interface LegKey {
  readonly epoch: string;
  readonly candidate: string;
  readonly route: string;
  /** Hours since the Unix epoch, of the exchange. */
  readonly hour: number;
  readonly sizeClass: string;
}

export interface LegCell extends LegKey {
  readonly state: LegState;
  readonly reason: string;
  count: number;
}
