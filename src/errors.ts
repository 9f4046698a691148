/**
 * Every error an operator can meet, in one table: a stable code, who caused it, and whether trying
 * again can help. Code matches on `code`, never on text. `docs/errors.md` is tested against this table.
 */

/** Who caused it. `operator` = what was written in configuration, on the command line or to the API. */
export type ErrorSource =
  | 'downstream'
  | 'incumbent'
  | 'candidate'
  | 'kafka'
  | 'disk'
  | 'operator'
  | 'internal';

interface ErrorRow {
  readonly source: ErrorSource;
  readonly retryable: boolean;
  /** One sentence: what it means. What to do stands in docs/errors.md. */
  readonly meaning: string;
}

function row(source: ErrorSource, retryable: boolean, meaning: string): ErrorRow {
  return { source, retryable, meaning };
}

/** The table. Append rows beside their kin; a code never changes its meaning. */
export const ERRORS = {
  // configuration and start
  UND_CONFIG_UNREADABLE: row('operator', false, 'The configuration file cannot be read or parsed.'),
  UND_CONFIG_INVALID: row(
    'operator',
    false,
    'A configuration key is unknown or its value is wrong.',
  ),
  UND_RUN_FOLDER: row('disk', false, 'The run folder cannot be used.'),
  UND_SOCKET_PATH_LONG: row('operator', false, 'A Unix socket path is over 107 bytes.'),
  UND_LISTEN_FAILED: row('operator', true, 'A listening address cannot be bound.'),
  UND_TLS_FILE: row('operator', true, 'A certificate, key or CA file cannot be used.'),
  UND_DATA_FOLDER: row('disk', true, 'The data folder cannot be used; nothing is recorded.'),
  UND_PROCESS_ENDED: row('internal', true, 'A process ended unasked; it is started again.'),
  UND_PROCESS_SILENT: row('internal', true, 'A process does not answer; it is replaced.'),
  UND_RELOAD_FAILED: row(
    'operator',
    false,
    'A reload failed; the old configuration stays in force.',
  ),
  UND_SAMPLE_FILE: row('operator', false, 'A sample for check cannot be read, or is none.'),
  UND_SAMPLE_POINTER: row('operator', false, 'A JSON Pointer finds nothing in a sample.'),
  UND_USAGE: row('operator', false, 'A command line is not understood, or lacks something.'),
  UND_ADMIN_UNREACHABLE: row('internal', true, 'The admin API of an instance does not answer.'),
  UND_ADMIN_REFUSED: row('operator', false, 'The admin API refuses a request.'),
  UND_RUNTIME_UNSUPPORTED: row('operator', false, 'This Node.js or platform is not supported.'),

  // gateway
  UND_INCUMBENT_REFUSED: row('incumbent', true, 'The incumbent could not be connected to.'),
  UND_INCUMBENT_UNRESOLVED: row('incumbent', true, "The incumbent's name does not resolve."),
  UND_INCUMBENT_NETWORK: row('incumbent', true, 'The network gave no connection to the incumbent.'),
  UND_INCUMBENT_CERTIFICATE: row(
    'incumbent',
    true,
    "The incumbent's certificate is not accepted: expired, of another name, or of nobody known.",
  ),
  UND_INCUMBENT_TLS: row('incumbent', true, 'The incumbent completed no TLS handshake.'),
  UND_INCUMBENT_TIMEOUT: row(
    'incumbent',
    true,
    'The incumbent did not accept a connection in time.',
  ),
  UND_INCUMBENT_SLOW: row('incumbent', true, 'The incumbent did not begin its answer in time.'),
  UND_REQUEST_TIMEOUT: row('downstream', true, 'The request did not arrive in time.'),
  UND_REQUEST_AMBIGUOUS: row(
    'downstream',
    false,
    'The request cannot be framed without doubt, and such are refused here.',
  ),
  UND_GATEWAY_BUSY: row('downstream', true, 'The gateway is at its connection cap.'),

  // telemetry: run folder, status, settings
  UND_STATUS_SOCKET: row('disk', true, 'A status socket cannot be bound in the run folder.'),
  UND_STATUS_UNAVAILABLE: row('internal', true, 'A process does not answer on its status socket.'),
  UND_SETTINGS_MALFORMED: row(
    'disk',
    false,
    'settings.json cannot be used; older ones stay in force.',
  ),
  UND_SELECTION_SECRET: row('operator', false, 'The selection secret cannot be read or made.'),

  // admin: settings, API, metrics
  UND_SETTINGS_WRITE: row('disk', true, 'Settings cannot be read or written; nothing has changed.'),
  UND_SETTINGS_CONFLICT: row('operator', true, 'Another version of the settings is in force.'),
  UND_SETTINGS_UNDO: row('operator', false, 'There is no change of settings to undo.'),
  UND_AUDIT_READ: row('disk', true, 'The audit file cannot be read.'),
  UND_ADMIN_TOKEN: row('disk', true, 'The admin token cannot be read or made.'),
  UND_API_TOKEN: row('operator', false, 'The bearer token is missing or wrong.'),
  UND_API_THROTTLED: row('operator', true, 'Too many requests without the right token.'),
  UND_API_HOST: row('operator', false, 'The Host header could be a rebound name.'),
  UND_API_CROSS_SITE: row('operator', false, 'The request comes from a page of another site.'),
  UND_API_ROUTE: row('operator', false, 'The admin API has no such path or method.'),
  UND_API_MEDIA_TYPE: row('operator', false, 'The body is not sent as application/json.'),
  UND_API_TOO_LARGE: row('operator', false, 'The request is over the size limit of the admin API.'),
  UND_API_JSON: row('operator', false, 'The body is not JSON, or has a key twice.'),
  UND_API_FIELD: row('operator', false, 'A key of the body is unknown or its value is wrong.'),
  UND_API_CANDIDATE: row('operator', false, 'No candidate has this name.'),
  UND_API_REASON: row(
    'operator',
    false,
    'The reason of a change is missing, or not one short line.',
  ),
  UND_API_PRECONDITION: row(
    'operator',
    false,
    'A change does not say which version of the settings it is made on.',
  ),
  UND_API_FAILED: row('internal', true, 'The admin API failed on a well-formed request.'),

  // wire
  UND_WIRE_VERSION: row('internal', false, 'Gateway and mirror speak different wire versions.'),
  UND_WIRE_CORRUPT: row('internal', false, 'A wire message is malformed or over its limit.'),

  UND_WIRE_OVERSIZED: row(
    'operator',
    false,
    'A gateway sends exchanges over the caps that the backstage is configured with.',
  ),

  // mirror
  UND_POINTER_SYNTAX: row('operator', false, 'A JSON Pointer is malformed.'),
  UND_CANDIDATE_UNREACHABLE: row(
    'candidate',
    true,
    'A candidate does not resolve or does not accept a connection.',
  ),
  UND_CANDIDATE_ADDRESS: row(
    'operator',
    false,
    'A candidate is at a link-local or metadata address, where no copy goes unless that is listed.',
  ),
  UND_HMAC_KEY: row('operator', true, 'A key for redaction cannot be read or used.'),
  UND_FOREIGN_MARK: row(
    'downstream',
    true,
    "A caller's request carries the mark of a shadow; it is not mirrored.",
  ),
  UND_HEADER_FILE: row(
    'operator',
    true,
    'A file that holds a header of the copies cannot be read or used.',
  ),

  // model process and the demo's scoring API
  UND_MODEL_MISSING: row('operator', true, 'The model file is not there or cannot be read.'),
  UND_MODEL_INVALID: row('operator', true, 'The model file is not a model that can be loaded.'),
  UND_MODEL_INPUTS: row(
    'operator',
    true,
    "The model's inputs or output are not those that the configuration names.",
  ),
  UND_MODEL_NOT_READY: row('candidate', true, 'The model is not loaded yet.'),
  UND_SCORE_REQUEST: row('downstream', false, 'A scoring request is malformed or lacks a feature.'),
  UND_SCORE_TOO_LARGE: row('downstream', false, 'A scoring request is over the size limit.'),
  UND_SCORE_ROUTE: row('downstream', false, 'The scoring API has no such path or method.'),
  UND_SCORE_BUSY: row('candidate', true, 'The scoring API is at its limit of open requests.'),
  UND_SCORE_FAILED: row('candidate', false, 'The model failed on a well-formed request.'),

  // demo
  UND_DEMO_FAILED: row('internal', false, 'A step of the demo failed.'),
  // journal and recorder
  UND_JOURNAL_LOCKED: row(
    'disk',
    true,
    'Another instance owns the data folder; nothing is recorded.',
  ),
  UND_JOURNAL_DISK: row('disk', true, 'The journal cannot be written: full, read-only or failing.'),
  UND_JOURNAL_FULL: row('disk', true, 'The journal is at its cap; new pairs are dropped.'),
  UND_JOURNAL_WAL_FULL: row(
    'disk',
    true,
    'A reader holds the journal open; its WAL is at its cap.',
  ),
  UND_JOURNAL_CORRUPT: row(
    'disk',
    true,
    'The journal was damaged; it was set aside, a new one begun.',
  ),
  UND_JOURNAL_VERSION: row('disk', false, 'The journal was written by a newer version.'),
  UND_JOURNAL_MISSING: row('operator', false, 'There is no journal where one was named.'),
  UND_JOURNAL_REPLACED: row(
    'disk',
    true,
    'The journal was set aside or replaced while it was read.',
  ),
  UND_JOURNAL_TARGET: row(
    'operator',
    false,
    'A file that a command is to make is there already, or cannot be written.',
  ),
  UND_JOURNAL_TRACES: row('disk', true, 'Pairs are erased, and bytes of them stand somewhere yet.'),
  UND_JOURNAL_CHORE: row('disk', true, 'A backup or an erasure was not done.'),
  UND_RECORDER_DOWN: row('internal', true, 'The recorder thread ended; it is started again.'),

  // Kafka
  UND_KAFKA_UNREACHABLE: row('kafka', true, 'No broker can be reached.'),
  UND_KAFKA_AUTH: row('kafka', true, 'The brokers refuse our user name or password.'),
  UND_KAFKA_TLS: row('kafka', true, 'No TLS connection to the brokers can be made.'),
  UND_KAFKA_DENIED: row('kafka', true, 'The brokers know us and do not let us write a topic.'),
  UND_KAFKA_SECRET_FILE: row(
    'operator',
    true,
    'A file with a password, key or certificate for Kafka cannot be used.',
  ),
  UND_KAFKA_TOPIC_MISSING: row('kafka', true, 'A topic is missing and createTopics is off.'),
  UND_KAFKA_TOPIC_DIFFERS: row(
    'kafka',
    false,
    'A topic is not as configured; it is used as it is.',
  ),
  UND_KAFKA_TIMEOUT: row(
    'kafka',
    true,
    'The brokers did not acknowledge a batch within its deadline.',
  ),
  UND_KAFKA_RECORD_TOO_LARGE: row('kafka', false, 'A record is larger than the topic takes.'),
  UND_KAFKA_RECORD_REFUSED: row('kafka', false, 'The brokers find a record invalid.'),
  UND_KAFKA_RECORD_UNREADABLE: row('internal', false, 'A pair cannot be made into a record.'),
  UND_KAFKA_FAILED: row('kafka', true, 'The brokers answered a send with an error.'),
  UND_PUBLISHER_DOWN: row('internal', true, 'The publisher thread ended; it is started again.'),

  // analysis
  UND_ANALYSIS_LOCKED: row('disk', true, 'Another process analyses in this data folder.'),
  UND_ANALYSIS_STORE: row('disk', true, 'The state of the analysis cannot be read or written.'),
  UND_ANALYSIS_VERSION: row('disk', false, 'The state of the analysis is of a newer version.'),
  UND_ANALYSIS_DOWN: row('internal', true, 'The analysis thread ended; it is started again.'),
  UND_ANALYSIS_OFF: row('operator', false, 'Nothing is analysed: analysis.enabled is false.'),
  UND_LABELS_OFF: row('operator', false, 'No outcomes are judged: analysis.labels is not set.'),
  UND_LABELS_FILE: row('operator', false, 'A file of outcomes cannot be read, or is none.'),
  UND_LABELS_LINE: row('operator', false, 'A line of a file of outcomes is wrong; none was taken.'),
  UND_LABELS_FULL: row('operator', false, 'As many outcomes are kept as there is room for.'),
  UND_ANALYSIS_DOMAIN: row('internal', false, 'A statistical function got a value it is not for.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Facts for logs and reports: bounded, and never a payload or a credential. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** An error with the five answers an operator asks for: code, source, retryable, cause, context. */
export class UnderstudyError extends Error {
  readonly code: ErrorCode;
  readonly source: ErrorSource;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  /**
   * @param code - a key of the table above
   * @param message - what happened and what to do, one or two sentences
   */
  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UnderstudyError';
    this.code = code;
    this.source = ERRORS[code].source;
    this.retryable = ERRORS[code].retryable;
    this.details = options.details ?? {};
  }
}

/** One thing wrong in a configuration: where it stands, what was written, what was expected. */
export interface ConfigProblem {
  /** Path of the file, or the name of the environment variable. */
  readonly file: string;
  /** 1-based; 0 where the place is not known (an environment variable, a missing key). */
  readonly line: number;
  readonly column: number;
  /** Key path, dotted: `candidates[0].timeoutMs`. Empty for the whole document. */
  readonly path: string;
  /** The offending value as it was written, at most 80 characters; empty when the key is missing. */
  readonly value: string;
  /** What was expected, in words. */
  readonly expected: string;
}

/** All that is wrong with a configuration, found in one go. Code `UND_CONFIG_INVALID` or `_UNREADABLE`. */
export class ConfigError extends UnderstudyError {
  readonly problems: readonly ConfigProblem[];

  constructor(
    code: 'UND_CONFIG_INVALID' | 'UND_CONFIG_UNREADABLE' | 'UND_SOCKET_PATH_LONG',
    problems: readonly ConfigProblem[],
    options: ErrorOptions = {},
  ) {
    super(code, problems.map(describeProblem).join('\n'), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `FILE:LINE:COLUMN: path: got VALUE, expected …`: one line, in the form editors can jump to. */
function describeProblem(p: ConfigProblem): string {
  const place = p.line > 0 ? `${p.file}:${p.line}:${p.column}` : p.file;
  const path = p.path === '' ? '' : `${p.path}: `;
  const got = p.value === '' ? '' : `got ${p.value}, `;
  return `${place}: ${path}${got}expected ${p.expected}`;
}
