import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareCopy } from '../../src/mirror/prepare-copy.ts';
import {
  CREDENTIAL_HEADERS,
  HOP_BY_HOP_HEADERS,
  REPLACED_HEADERS,
} from '../../src/mirror/redacted-headers.ts';
import { createShadowMarker } from '../../src/mirror/shadow-mark.ts';

function copyOf(headers: [string, string][], target = '/v1/score') {
  return prepareCopy({ method: 'POST', target, headers, body: Buffer.alloc(0) }, 'mark');
}

const anyCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((upper) => Array.from(name, (c, i) => (upper[i] ? c.toUpperCase() : c)).join(''));

describe('prepareCopy', () => {
  it('leaves out every listed header, however its name is written', () => {
    const listed = [...CREDENTIAL_HEADERS, ...HOP_BY_HOP_HEADERS, ...REPLACED_HEADERS];
    fc.assert(
      fc.property(fc.constantFrom(...listed).chain(anyCase), (name) => {
        const { headers } = copyOf([
          [name, 'CANARY'],
          ['X-Kept', 'yes'],
        ]);
        expect(headers).toEqual([
          ['x-kept', 'yes'],
          ['x-understudy-shadow', 'mark'],
        ]);
      }),
    );
  });

  it('leaves out what Connection names, in any of its lines and before them', () => {
    const { headers } = copyOf([
      ['X-One', '1'],
      ['Connection', 'close, X-ONE'],
      ['connection', 'x-two'],
      ['X-Two', '2'],
      ['X-Three', '3'],
    ]);
    expect(headers.map(([name]) => name)).toEqual(['x-three', 'x-understudy-shadow']);
  });

  it('keeps order, repetition and values of all others', () => {
    const { headers } = copyOf([
      ['Accept', 'a'],
      ['X-B', '\u00e9'],
      ['accept', 'c'],
    ]);
    expect(headers.slice(0, -1)).toEqual([
      ['accept', 'a'],
      ['x-b', '\u00e9'],
      ['accept', 'c'],
    ]);
  });

  it.each([
    ['/v1/score?a=1&b=2', '/v1/score?a=1&b=2'],
    ['/v1/score?access_token=x', '/v1/score'],
    ['/v1/score?a=1&API_KEY=x&b', '/v1/score?a=1&b'],
    ['/v1/score?token=x&b=1&Secret=y&jwt=z&tokens=3', '/v1/score?b=1&tokens=3'],
    ['/v1/score?a%70i_key=x&%61=1', '/v1/score?%61=1'],
    ['/v1/score?sig=%zz&%zz=1', '/v1/score?%zz=1'],
    ['/v1/score?a=1;token=x&b=2;c', '/v1/score?a=1&b=2;c'],
    ['/v1/score?token=x;a=1', '/v1/score?a=1'],
    ['/v1/score?&a;&b&', '/v1/score?&a;&b&'],
    ['/v1/score?', '/v1/score?'],
    ['http://user:pw@evil.example/v1/score?a=1', '/v1/score?a=1'],
    ['http://evil.example', '/'],
    ['http://evil.example?a=1', '/?a=1'],
    ['*', '/'],
    ['//evil.example/a', '//evil.example/a'],
  ])('makes of target %s: %s', (target, expected) => {
    expect(copyOf([], target).target).toBe(expected);
  });
});

describe('createShadowMarker', () => {
  it('is HMAC-SHA256 for secrets of any length', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 16, maxLength: 200 }), fc.string(), (secret, id) => {
        const latin1 = Buffer.from(id, 'latin1').toString('latin1');
        const mac = createHmac('sha256', secret)
          .update(`shadow\0${latin1}`, 'latin1')
          .digest('hex');
        expect(createShadowMarker(secret)(latin1)).toBe(`1;${latin1};${mac}`);
      }),
    );
  });
});
