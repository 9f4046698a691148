/**
 * What stands in `settings.json`, and what of it is in force. A change may have been made for a time; its end
 * is a moment of the wall clock, and each process that reads the file keeps to it by itself: gateway and mirror
 * need nobody to be alive for that.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Config, Settings, SettingsExpiry, SettingsState } from '../config/types.ts';

/** Settings while nobody has changed any: version 0, switch, rates and caps of the configuration. */
export function configuredSettings(
  config: Pick<Config, 'candidates'> & { readonly mirror: Pick<Config['mirror'], 'enabled'> },
): Settings {
  const rates: Record<string, number> = Object.create(null);
  const requestsPerSecond: Record<string, number> = Object.create(null);
  for (const { name, rate, maxRequestsPerSecond } of config.candidates) {
    rates[name] = rate;
    requestsPerSecond[name] = maxRequestsPerSecond;
  }
  const { enabled } = config.mirror;
  const state = { enabled, rates, requestsPerSecond };
  return { version: 0, ...state, changed: null, expiry: null, previous: null };
}

/** What operators set, without who and when. */
export function stateOf({ enabled, rates, requestsPerSecond }: SettingsState): SettingsState {
  return { enabled, rates, requestsPerSecond };
}

/**
 * What is in force at a time: a change that was made for a time gives way to what its expiry names, under the
 * next version, so that each pair tells which of the two it was made with.
 *
 * @param wallMs - Unix ms
 */
export function settingsAt(settings: Settings, wallMs: number): Settings {
  const { expiry, changed, version } = settings;
  if (expiry === null || wallMs < Date.parse(expiry.at)) return settings;
  const reason = `the time is over for: ${changed?.reason ?? ''}`;
  return {
    version: version + 1,
    ...expiry.to,
    changed: {
      at: expiry.at,
      by: changed?.by ?? 'unknown',
      reason: reason.slice(0, LIMITS.reasonCharacters),
    },
    expiry: null,
    previous: stateOf(settings),
  };
}

/**
 * Reads a settings file.
 *
 * @returns `null` for anything but an object of known keys with values in range. Caps, expiry and previous
 *   settings may be missing: earlier versions did not write them.
 */
export function parseSettings(text: string): Settings | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { version, changed } = value;
  if (typeof version !== 'number' || !Number.isInteger(version)) return null;
  // The end of a change for a time needs the next version.
  if (version < 0 || version >= LIMITS.settingsVersionMax) return null;
  const state = parseState(value);
  const expiry = value.expiry === undefined ? null : parseExpiry(value.expiry);
  const previous = (value.previous ?? null) === null ? null : parseState(value.previous);
  if (state === null || expiry === undefined) return null;
  const rest = { version, ...state, expiry, previous };
  if (changed === null) return { ...rest, changed };
  if (!isRecord(changed)) return null;
  const { at, by, reason } = changed;
  if (typeof at !== 'string' || typeof by !== 'string' || typeof reason !== 'string') return null;
  return { ...rest, changed: { at, by, reason } };
}

function parseState(value: unknown): SettingsState | null {
  if (!isRecord(value) || typeof value.enabled !== 'boolean') return null;
  const rates = parseNumbers(value.rates, 1);
  const requestsPerSecond = parseNumbers(value.requestsPerSecond ?? {}, LIMITS.requestsPerSecond);
  if (rates === null || requestsPerSecond === null) return null;
  return { enabled: value.enabled, rates, requestsPerSecond };
}

/** @returns `undefined` for what is no expiry */
function parseExpiry(value: unknown): SettingsExpiry | null | undefined {
  if (value === null) return null;
  if (!isRecord(value) || typeof value.at !== 'string') return undefined;
  if (Number.isNaN(Date.parse(value.at))) return undefined;
  const to = parseState(value.to);
  return to === null ? undefined : { at: value.at, to };
}

function parseNumbers(value: unknown, max: number): Record<string, number> | null {
  if (!isRecord(value)) return null;
  const numbers: Record<string, number> = Object.create(null);
  for (const [name, number] of Object.entries(value)) {
    if (typeof number !== 'number' || !(number >= 0 && number <= max)) return null;
    numbers[name] = number;
  }
  return numbers;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
