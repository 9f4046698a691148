import { describe, expect, it } from 'vitest';
import { checkAccess, RefusalBudget } from '../../src/admin/access.ts';

describe('checkAccess', () => {
  it.each([
    ['127.0.0.1:9901'],
    ['localhost:9901'],
    ['LOCALHOST'],
    ['[::1]:9901'],
    ['10.0.0.7:9901'],
    ['backstage:9901'],
    ['admin.example.org:9901'],
  ])('takes the host %s', (host) => {
    expect(() => checkAccess({ host }, 'admin.example.org')).not.toThrow();
  });

  it.each([
    ['evil.example'],
    ['127.0.0.1.evil.example:9901'],
    ['localhost.evil.example'],
    ['localhost:9901@evil.example'],
    ['[::1].evil.example'],
    ['evil.example.:9901'],
    ['a b'],
    [''],
    [undefined],
  ])('T-02: refuses the host %s, which could be rebound', (host) => {
    expect(() => checkAccess(host === undefined ? {} : { host }, '127.0.0.1')).toThrowError(
      expect.objectContaining({ code: 'UND_API_HOST' }),
    );
  });

  it.each([
    [{ origin: 'http://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:9902' }],
    [{ origin: 'https://localhost:9901' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:9901' }],
  ])('T-02: refuses %j', (headers) => {
    expect(() => checkAccess({ host: 'localhost:9901', ...headers }, '127.0.0.1')).toThrowError(
      expect.objectContaining({ code: 'UND_API_CROSS_SITE' }),
    );
  });

  it('takes our own page, and a person who types the address', () => {
    const own = { origin: 'http://localhost:9901', 'sec-fetch-site': 'same-origin' };
    expect(() => checkAccess({ host: 'localhost:9901', ...own }, '')).not.toThrow();
    expect(() => checkAccess({ host: 'localhost', 'sec-fetch-site': 'none' }, '')).not.toThrow();
  });
});

describe('RefusalBudget', () => {
  it('allows so many a minute, in a burst or spread out, and fills up again', () => {
    const budget = new RefusalBudget(3, 0);
    expect([0, 0, 0, 0].map((at) => budget.take(at))).toEqual([true, true, true, false]);
    expect(budget.take(19_000)).toBe(false);
    expect(budget.take(20_001)).toBe(true);
    expect([600_000, 600_000, 600_000, 600_000].map((at) => budget.take(at))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});
