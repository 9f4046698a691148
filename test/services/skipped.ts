/** Why a service is not there, in one line, so that its tests can be skipped by that name. */
export interface Skipped {
  readonly skipped: string;
}

/**
 * Says that a service is missing: its tests are skipped on a developer's machine, and fail in CI,
 * where everything has to be there.
 *
 * @param service - what is missing, say `Kafka`
 * @param reason - one line
 * @throws {Error} with `CI=true` in the environment
 */
export function missingService(service: string, reason: string): Skipped {
  const line = `${service} is not available: ${reason}`;
  if (process.env.CI === 'true') throw new Error(`${line} (with CI=true that is a failure)`);
  return { skipped: line };
}
