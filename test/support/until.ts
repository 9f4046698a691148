/**
 * Looks until `look` gives something other than `undefined` or `false`, and returns it.
 *
 * @param what - named in the error
 * @param look - may throw: that counts as "not yet", and the last error becomes the cause
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  while (performance.now() < end) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
}
