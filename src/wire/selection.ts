/**
 * Deterministic, nested selection: an exchange is selected where its drawn number u is below the rate, so
 * a higher rate selects a superset, and every candidate sees the same exchanges.
 */
import { hash } from 'node:crypto';

const TWO_POW_48 = 2 ** 48;

/**
 * u = the first 48 bits of SHA-256(secret, NUL, key), over 2^48. Uniform on [0, 1), about 0.5 µs.
 *
 * @param secret - the experiment's selection secret, the same in all replicas
 * @param key - the selection key: exchange id, later a header or a body value
 */
export function drawnNumber(secret: string, key: string): number {
  return hash('sha256', `${secret}\0${key}`, 'buffer').readUIntBE(0, 6) / TWO_POW_48;
}
