import { describe, expect, it } from 'vitest';
import { describeEntry } from '../../src/main/commands/audit.ts';
import { parseDuration, parseMoment } from '../../src/main/commands/duration.ts';
import { parseCap } from '../../src/main/commands/settings.ts';

const USAGE = expect.objectContaining({ code: 'UND_USAGE' });

describe('what operators write', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1.5h', 5_400_000],
    ['7 d', 604_800_000],
  ])('%s is a time of %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(parseMoment(text, 1e12)).toBe(1e12 - ms);
  });

  it.each(['', '30', 'm', '-5m', '0s', '1e3s', '5 weeks'])('%j is no time', (text) => {
    expect(() => parseDuration(text)).toThrowError(USAGE);
  });

  it('takes a moment in ISO 8601, and nothing vague', () => {
    expect(parseMoment('2026-11-23T12:00:00Z', 0)).toBe(Date.UTC(2026, 10, 23, 12));
    expect(() => parseMoment('yesterday', 0)).toThrowError(USAGE);
    expect(() => parseMoment('5', 0)).toThrowError(USAGE);
  });

  it('takes caps, with 0 only in words', () => {
    expect(parseCap('100/s')).toBe(100);
    expect(parseCap('.5')).toBe(0.5);
    expect(parseCap('none')).toBe(0);
    for (const text of ['0', '-1', '1e9', '100%', '']) {
      expect(() => parseCap(text)).toThrowError(USAGE);
    }
  });
});

describe('describeEntry', () => {
  const state = { enabled: true, rates: { v7: 0.25 }, requestsPerSecond: {} };

  it('says in a line what changed, and lets no text drive the terminal', () => {
    const line = describeEntry({
      at: '2026-11-23T12:00:00.000Z',
      by: 'kim\u001b[2J',
      how: 'api',
      remote: '127.0.0.1',
      version: 4,
      from: state,
      to: { enabled: false, rates: { v7: 1 }, requestsPerSecond: { v7: 50 } },
      until: '2026-11-23T12:30:00.000Z',
      reason: 'a\nb',
    });
    expect(line).toBe(
      '2026-11-23T12:00:00.000Z  api  version 4: mirroring off, rate of v7 0.25 → 1, ' +
        'cap of v7 as configured → 50, until 2026-11-23T12:30:00.000Z  by kim?[2J from 127.0.0.1: a?b',
    );
  });
});
