import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { LogSink } from '../../src/telemetry/log-sink.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

class Kept extends LogSink {
  readonly lines: string[] = [];
  override write(line: string): void {
    this.lines.push(line);
  }
}

describe('createLogger', () => {
  it('writes ECS lines through the sink that never waits', () => {
    const sink = new Kept();
    createLogger('admin', 'info', sink).warn({ by: 'kim' }, 'rate set');
    expect(JSON.parse(sink.lines[0] ?? '')).toMatchObject({
      'log.level': 'warn',
      message: 'rate set',
      'process.name': 'admin',
      'ecs.version': '8.10.0',
      by: 'kim',
    });
  });

  it('names a code as the other processes do', () => {
    const sink = new Kept();
    createLogger('admin', 'info', sink).error({ code: 'UND_LISTEN_FAILED', reason: 'x' }, 'no');
    const line = JSON.parse(sink.lines[0] ?? '');
    expect(line).toMatchObject({ 'error.code': 'UND_LISTEN_FAILED', reason: 'x' });
    expect(line).not.toHaveProperty('code');
  });

  it('replaces a line over its limit by one that says so', () => {
    const sink = new Kept();
    createLogger('admin', 'info', sink).info({ text: 'x'.repeat(LIMITS.logLineBytes) }, 'long');
    expect(JSON.parse(sink.lines[0] ?? '').message).toBe('log line over its limit');
  });
});
