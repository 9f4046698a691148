import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CREDENTIAL_HEADERS } from '../../src/config/defaults.ts';
import type { RedactionConfig } from '../../src/config/types.ts';
import {
  type CopyPolicy,
  compileHeaderPolicy,
  prepareCopy,
} from '../../src/mirror/prepare-copy.ts';
import { HOP_BY_HOP_HEADERS, REPLACED_HEADERS } from '../../src/mirror/redacted-headers.ts';
import { createShadowMarker } from '../../src/mirror/shadow-mark.ts';

function policyOf(config: Partial<RedactionConfig> = {}): CopyPolicy {
  const headers = compileHeaderPolicy({
    denyHeaders: [],
    allowHeaders: null,
    keys: [],
    ...config,
  });
  return { mark: 'mark', headers, query: null, body: null };
}

function copyOf(headers: [string, string][], target = '/v1/score', policy = policyOf()) {
  return prepareCopy({ method: 'POST', target, headers, body: Buffer.from('{}') }, policy);
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

  it.each([
    'api_key',
    'X_API_KEY',
    'Access_Token',
    'X-Auth_Token',
    'X_Original_URI',
    'Content_Length',
  ])('takes _ for - in a name, as servers do: %s', (name) => {
    const { headers } = copyOf([[name, 'CANARY']]);
    expect(headers).toEqual([['x-understudy-shadow', 'mark']]);
  });

  it.each([
    ['x-customer-id', 'X_Customer_Id'],
    ['x_customer_id', 'X-Customer-Id'],
  ])('leaves out what the operator denies as %s, written %s', (denied, name) => {
    const policy = policyOf({ denyHeaders: [denied] });
    const { headers } = copyOf([[name, 'CANARY']], '/', policy);
    expect(headers).toEqual([['x-understudy-shadow', 'mark']]);
  });

  it.each([
    'accessToken',
    'access-token',
    'clientSecret',
    'API-KEY',
    'xAmzSignature',
    'id%2Dtoken',
  ])('knows the parameter of a credential however its words are joined: %s', (name) => {
    expect(copyOf([], `/v1/score?a=1&${name}=CANARY`).target).toBe('/v1/score?a=1');
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

  it('sends no header that repeats the URL, and Referer without its query', () => {
    const { headers } = copyOf([
      ['X-Envoy-Original-Path', '/p?token=CANARY'],
      ['X-Original-URI', '/p?token=CANARY'],
      ['X-Original-URL', '/p?token=CANARY'],
      ['X-Forwarded-Uri', '/p?token=CANARY'],
      ['X-Rewrite-URL', '/p?token=CANARY'],
      ['Referer', 'https://ann:CANARY@shop.example/p?token=CANARY#CANARY'],
      ['Referer', '/p;a=1'],
    ]);
    expect(headers.slice(0, -1)).toEqual([
      ['referer', 'https://shop.example/p'],
      ['referer', '/p;a=1'],
    ]);
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
    ['/v1/score?token=x;a=1', '/v1/score'],
    ['/v1/score?a=1&+token=x&%20%09Secret+=y', '/v1/score?a=1'],
    ['/v1/score?token=x;y;z&a=1', '/v1/score?a=1'],
    ['/v1/score?token[]=x&access_token[0]=y&secret%5Ba%5D=z&a[]=1', '/v1/score?a[]=1'],
    ['/v1/score?token%5B%FF%5D=x&%FF=1', '/v1/score?%FF=1'],
    ['/v1/score?access%5Ftoken=x&client+secret=1', '/v1/score?client+secret=1'],
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

describe('prepareCopy with a policy', () => {
  const sent = (policy: CopyPolicy, ...names: string[]) =>
    copyOf(
      names.map((name) => [name, 'v']),
      '/',
      policy,
    ).headers.map(([name]) => name);

  it('leaves out what the operator denies', () => {
    const policy = policyOf({ denyHeaders: ['x-customer'] });
    expect(sent(policy, 'X-Customer', 'X-Other')).toEqual(['x-other', 'x-understudy-shadow']);
  });

  it('sends listed headers alone where there is a list, and what describes the body', () => {
    const policy = policyOf({ allowHeaders: ['x-tier', 'authorization', 'host'] });
    const names = sent(policy, 'X-Tier', 'X-Other', 'Content-Type', 'Authorization', 'Host');
    expect(names).toEqual(['x-tier', 'content-type', 'x-understudy-shadow']);
  });

  it('leaves out coding and digests of a body that is another one now', () => {
    const policy = { ...policyOf(), body: Buffer.from('{"a":1}') };
    const names = ['Content-Encoding', 'Content-Digest', 'Repr-Digest', 'Digest', 'Content-MD5'];
    names.push('X-Goog-Hash', 'X-Amz-Checksum-Sha256', 'x-amz-checksum-crc64nvme', 'Content_MD5');
    expect(sent(policy, ...names, 'Content-Type')).toEqual(['content-type', 'x-understudy-shadow']);
    expect(copyOf([], '/', policy).body.toString()).toBe('{"a":1}');
    expect(sent(policyOf(), 'Content-Encoding')).toContain('content-encoding');
  });

  it.each([
    ['/s?a=1&iban=DE1;2&b=3', '/s?a=1&iban=***&b=3'],
    ['/s?IBAN=x;iban=y', '/s?IBAN=***'],
    ['/s?i%62an=x&iban[]=y&iban%5B0%5D=z', '/s?i%62an=***&iban[]=***&iban%5B0%5D=***'],
    ['/s?iban&gone=1&a', '/s?iban=***&a'],
    ['/s?gone=1&gone', '/s'],
    ['/s?iban=***;DE1&b=2', '/s?iban=***&b=2'],
    ['/s?iban%5B%FF%5D=DE1&iban[%FF]=DE1', '/s?iban%5B%FF%5D=***&iban[%FF]=***'],
  ])('hides parameters of %s: %s', (target, expected) => {
    const query: CopyPolicy['query'] = new Map<string, () => string | null>([
      ['iban', () => '***'],
      ['gone', () => null],
    ]);
    expect(copyOf([], target, { ...policyOf(), query }).target).toBe(expected);
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
