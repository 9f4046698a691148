/**
 * The mark on a copy: whoever mirrors again knows that it is one, and a forged mark can be told apart.
 */
import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** An exchange id is an epoch and a number: far shorter. */
const MESSAGE_BYTES = 1_024;

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
  // Written over again and again: what is hashed behind the keys is not kept.
  const inner = Buffer.alloc(BLOCK_BYTES + MESSAGE_BYTES);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  return (exchangeId) => {
    const end = BLOCK_BYTES + inner.write(`shadow\0${exchangeId}`, BLOCK_BYTES, 'latin1');
    hash('sha256', inner.subarray(0, end), 'buffer').copy(outer, BLOCK_BYTES);
    return `1;${exchangeId};${hash('sha256', outer, 'hex')}`;
  };
}
