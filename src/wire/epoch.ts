import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/** An epoch names one life of one gateway process: 96 random bits as 20 characters of `0-9a-v`. */
export function drawEpoch(): string {
  let value = BigInt(`0x${randomBytes(12).toString('hex')}`);
  let text = '';
  for (let i = 0; i < 20; i++) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return text;
}
