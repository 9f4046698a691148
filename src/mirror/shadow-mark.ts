/**
 * The mark on a copy: whoever mirrors again knows that it is one, and a forged mark can be told apart.
 */
import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;

/** Makes the mark of an exchange: `1;EXCHANGE_ID;HMAC`. */
export type ShadowMarker = (exchangeId: string) => string;

/**
 * HMAC-SHA256 over `shadow`, NUL, exchange id. Two one-shot hashes with prepared keys instead of `createHmac`,
 * which costs 8.8 µs a call against 1.5.
 *
 * @param secret - the experiment's selection secret: all replicas make and know the same marks
 * Source: RFC 2104 §2.
 */
export function createShadowMarker(secret: string): ShadowMarker {
  const key = Buffer.alloc(BLOCK_BYTES);
  const text = Buffer.from(secret);
  (text.length > BLOCK_BYTES ? hash('sha256', text, 'buffer') : text).copy(key);
  const inner = Buffer.from(key.map((byte) => byte ^ 0x36)).toString('latin1');
  const outer = Buffer.from(key.map((byte) => byte ^ 0x5c));
  return (exchangeId) => {
    const message = Buffer.from(`${inner}shadow\0${exchangeId}`, 'latin1');
    const digest = hash('sha256', message, 'buffer');
    const mac = hash('sha256', Buffer.concat([outer, digest]), 'hex');
    return `1;${exchangeId};${mac}`;
  };
}
