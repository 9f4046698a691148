/**
 * Who may talk to the admin API besides holding the token: nobody's web page. A page of another site can
 * make an operator's browser send requests (cross-site), and its name can be made to resolve to our
 * address (DNS rebinding), so that the browser takes us for the page's own site.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { UnderstudyError } from '../errors.ts';

/**
 * @throws {UnderstudyError} `UND_API_HOST` for a `Host` that could be rebound: only IP addresses,
 * `localhost`, names without a dot and `configuredHost` cannot; `UND_API_CROSS_SITE` for an `Origin` other
 * than our own, or a `Sec-Fetch-Site` other than `same-origin` and `none` (Fetch Metadata)
 */
export function checkAccess(headers: IncomingHttpHeaders, configuredHost: string): void {
  const host = headers.host ?? '';
  if (!isSafeHost(hostname(host), configuredHost)) {
    throw new UnderstudyError('UND_API_HOST', 'Address the admin API by IP address or localhost.');
  }
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  const sameOrigin = origin === undefined || origin === `http://${host}`;
  const sameSite = site === undefined || site === 'same-origin' || site === 'none';
  if (!sameOrigin || !sameSite) {
    throw new UnderstudyError('UND_API_CROSS_SITE', 'Requests from other sites are refused.');
  }
}

/** Name or address of a `Host` header, without port and brackets; empty when malformed. */
function hostname(host: string): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

function isSafeHost(name: string, configuredHost: string): boolean {
  if (name === '') return false;
  return isIP(name) !== 0 || !name.includes('.') || name === configuredHost.toLowerCase();
}

/**
 * Allows `perMinute` refusals a minute, in a burst or spread out. A valid token is never throttled: a
 * script that fails must not keep an operator out, and guessing 256 bits needs no throttle. What is
 * bounded is what refusals cost: log lines.
 */
export class RefusalBudget {
  readonly #perMinute: number;
  #left: number;
  #at: number;

  /** @param nowMs - any monotonic clock */
  constructor(perMinute: number, nowMs: number) {
    this.#perMinute = perMinute;
    this.#left = perMinute;
    this.#at = nowMs;
  }

  /** Takes one; false when none is left. */
  take(nowMs: number): boolean {
    const earned = ((nowMs - this.#at) / 60_000) * this.#perMinute;
    this.#left = Math.min(this.#perMinute, this.#left + earned);
    this.#at = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
