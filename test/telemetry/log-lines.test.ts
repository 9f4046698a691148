import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { toLogLine } from '../../src/telemetry/log-lines.ts';

const line = (message: string, fields = {}) =>
  toLogLine({ process: 'gw0', level: 'info', message, fields });

describe('toLogLine', () => {
  it('is one line of ECS fields', () => {
    expect(JSON.parse(line('hello', { code: 'UND_X', n: 1 }))).toMatchObject({
      'log.level': 'info',
      message: 'hello',
      'process.name': 'gw0',
      'ecs.version': '8.10.0',
      'error.code': 'UND_X',
      understudy: { n: 1 },
    });
  });

  it('R-02: leaves no character that forges a line or drives a terminal', () => {
    const text = line('a\nb\r\u001b[31m\u007f\u009b1m\u2028c', { f: '\u0085\u0000' });
    expect(text.slice(0, -1)).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(text).message).toBe('a\nb\r\u001b[31m\u007f\u009b1m\u2028c');
  });

  it('is never longer than a pipe takes whole', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`f${i}`, '\u0001'.repeat(900)]),
    );
    for (const text of [
      line('x'.repeat(9_999)),
      line('x', fields),
      line('é\u0001'.repeat(999), fields),
    ]) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMITS.logLineBytes);
      expect(() => JSON.parse(text)).not.toThrow();
    }
  });
});
