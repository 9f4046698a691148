/** Log lines of processes that load no package: ECS-like JSON, dropped and counted when nobody reads. */
import { LIMITS } from '../config/defaults.ts';
import type { LogConfig } from '../config/types.ts';
import { LogSink } from './log-sink.ts';
import { toPrintableJson } from './printable-json.ts';

/** Bounded facts; never a payload or a credential. A `code` becomes `error.code`. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** What a process logs to: `LogLines`, or a child of it. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

export interface LogLinesOptions {
  /** Name of the process: `gw0`, `mirror`. */
  readonly process: string;
  /** Lines below it are left out. */
  readonly level: LogConfig['level'];
}

export class LogLines implements Log {
  readonly #process: string;
  readonly #threshold: number;
  readonly #sink: LogSink;

  constructor(options: LogLinesOptions, sink: LogSink = new LogSink()) {
    this.#process = options.process;
    this.#threshold = LEVELS.indexOf(options.level);
    this.#sink = sink;
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#sink.dropped;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  #log(level: Level, message: string, fields: LogFields = {}): void {
    if (LEVELS.indexOf(level) < this.#threshold) return;
    this.#sink.write(toLogLine({ process: this.#process, level, message, fields }));
  }
}

/**
 * One line of JSON, at most LIMITS.logLineBytes: texts are cut to LIMITS.logTextCharacters, and fields left
 * out where that is not enough. Control characters are escaped by JSON, so a caller's text cannot forge a
 * line or drive a terminal.
 */
export function toLogLine(entry: {
  process: string;
  level: Level;
  message: string;
  fields: LogFields;
}): string {
  const { code, ...fields } = entry.fields;
  const head = {
    '@timestamp': new Date().toISOString(),
    'log.level': entry.level,
    message: entry.message.slice(0, LIMITS.logTextCharacters),
    ...(code === undefined ? {} : { 'error.code': String(code).slice(0, 80) }),
    'process.name': entry.process,
    'process.pid': process.pid,
    'ecs.version': '8.10.0',
  };
  const line = toLine(
    Object.keys(fields).length === 0 ? head : { ...head, understudy: cut(fields) },
  );
  if (Buffer.byteLength(line) <= LIMITS.logLineBytes) return line;
  return toLine({ ...head, message: head.message.slice(0, 300), understudy: { truncated: true } });
}

function toLine(value: object): string {
  return `${toPrintableJson(value)}\n`;
}

function cut(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.slice(0, LIMITS.logTextCharacters) : value,
    ]),
  );
}
