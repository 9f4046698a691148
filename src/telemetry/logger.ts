/** pino with ECS fields, for processes that may load packages; written through the same sink. */
import { ecsFormat } from '@elastic/ecs-pino-format';
import { type Logger, pino } from 'pino';
import { LIMITS } from '../config/defaults.ts';
import type { LogConfig } from '../config/types.ts';
import { LogSink } from './log-sink.ts';
import { escapeUnprintable } from './printable-json.ts';

/**
 * @param process - its name: `admin`, `mirror`, `supervisor-all`
 * @param level - lines below it are left out
 * @param sink - where lines go; given in tests, and by a process that reports `sink.dropped`
 */
export function createLogger(
  process: string,
  level: LogConfig['level'],
  sink: LogSink = new LogSink(),
): Logger {
  const options = ecsFormat({ apmIntegration: false });
  const log = (fields: Record<string, unknown>) =>
    nameCode(options.formatters?.log?.(fields) ?? fields);
  return pino(
    {
      ...options,
      formatters: { ...options.formatters, log },
      level,
      base: { 'process.name': process },
      serializers: {},
    },
    { write: (line: string) => sink.write(bound(escapeUnprintable(line))) },
  );
}

/** A `code` becomes `error.code`, as in log-lines.ts. */
function nameCode({ code, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return code === undefined ? fields : { 'error.code': code, ...fields };
}

/** A line over its limit is replaced by one that says so: it would not be written whole. */
function bound(line: string): string {
  if (Buffer.byteLength(line) <= LIMITS.logLineBytes) return line;
  return `${JSON.stringify({ 'log.level': 'warn', message: 'log line over its limit', bytes: line.length })}\n`;
}
