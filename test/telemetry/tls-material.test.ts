/** Files of certificates that are looked at while somebody writes them. */
import { describe, expect, it } from 'vitest';
import { loadTlsMaterial } from '../../src/telemetry/tls-material.ts';
import { Authority } from '../support/certificates.ts';

const one = new Authority('One');
const two = new Authority('Two');
const leaf = one.issue({ commonName: 'x', names: ['x'] });

/** At which lengths a file that is being written is taken for a whole one. */
function takenAt(text: string, load: (pem: Buffer) => unknown): number[] {
  return Array.from({ length: text.length + 1 }, (_, length) => length).filter((length) => {
    try {
      load(Buffer.from(text.slice(0, length)));
      return true;
    } catch {
      return false;
    }
  });
}

const loadAuthorities = (ca: Buffer) => loadTlsMaterial({ cert: null, key: null, ca }, {});
const loadChain = (cert: Buffer) =>
  loadTlsMaterial({ cert, key: Buffer.from(leaf.key), ca: null }, {});

describe('a file that is being written', () => {
  it.each<[string, string, string, (pem: Buffer) => unknown]>([
    ['authorities', one.cert, two.cert, loadAuthorities],
    ['a chain', leaf.cert, one.cert, loadChain],
  ])('is taken only where a certificate ends: %s', (_, first, second, load) => {
    const [a, b] = [first.trimEnd().length, first.length + second.trimEnd().length];
    const between = [a, first.length];
    const whole = [b, first.length + second.length];
    expect(new Set(takenAt(first + second, load))).toEqual(new Set([...between, ...whole]));
  });

  it('takes what else may stand in it', () => {
    const text = `One -- of two\n=====\n${one.cert}\r\n# Two\n${leaf.key}${two.cert}- the end\n`;
    const { options } = loadAuthorities(Buffer.from(text)) as { options: { ca: string[] } };
    expect(options.ca).toHaveLength(2);
  });
});
