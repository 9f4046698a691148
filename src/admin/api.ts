/**
 * The admin API: settings and status over HTTP, for operators and the CLI. Loopback by default.
 *
 *   GET   /livez         200 while this process serves                       no token
 *   GET   /readyz        200 while settings can be read and changed          no token
 *   GET   /v1/status     StatusReport
 *   GET   /v1/settings   Settings with rate and cap of every candidate, `ETag: "VERSION"`
 *   PATCH /v1/settings   SettingsPatch → the same; `If-Match: "VERSION"`, or `*` for whatever is in force
 *   GET   /v1/audit      AuditPage; `?since=` a time in ISO 8601
 *   and those of experiment-routes.ts, label-routes.ts and erasure-routes.ts
 *
 * Targets of candidates are not settings: they come from the configuration file alone.
 */
import { fastifyBearerAuth } from '@fastify/bearer-auth';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { LIMITS } from '../config/defaults.ts';
import type { Config, Settings } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { LogFields } from '../telemetry/log-lines.ts';
import { escapeUnprintable } from '../telemetry/printable-json.ts';
import { configuredSettings } from '../telemetry/settings-file.ts';
import { checkAccess, RefusalBudget } from './access.ts';
import { readAudit } from './audit-reader.ts';
import { addErasureRoutes, type ErasingAnalysis } from './erasure-routes.ts';
import { type AnalysisPort, addExperimentRoutes } from './experiment-routes.ts';
import { addLabelRoutes, type LabelPort } from './label-routes.ts';
import { PROBLEM_TYPE, problemOf, toProblem } from './problem.ts';
import { parseSettingsPatch } from './settings-patch.ts';
import type { Operator, SettingsStore } from './settings-store.ts';
import type { StatusReport } from './status-report.ts';

export interface ApiOptions {
  readonly config: Pick<Config, 'candidates' | 'admin' | 'dataDir' | 'analysis'>;
  /** Whether this is the bearer token; compares in constant time. */
  readonly isToken: (presented: string) => boolean;
  readonly store: SettingsStore;
  readonly report: () => Promise<StatusReport>;
  /** `null`: nothing is analysed. */
  readonly analysis: (AnalysisPort & LabelPort & ErasingAnalysis) | null;
  /** Has the mirror erase a key from its journal, under an id. */
  readonly askMirrorToErase: (id: string, key: string) => Promise<void>;
  readonly log: ApiLog;
}

/** Where refusals, changes and failures are told. */
export interface ApiLog {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** @returns an instance that is ready to listen; nothing is bound yet */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { config, store, log } = options;
  const app = fastify({
    bodyLimit: LIMITS.apiBodyBytes,
    requestTimeout: LIMITS.apiRequestMs,
    connectionTimeout: 2 * LIMITS.apiRequestMs,
    forceCloseConnections: true,
    // Types are never converted: "50" is not 50.
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false } },
    logger: false,
  });
  app.server.maxConnections = LIMITS.apiConnections;
  // Only JSON, as text: keys that stand twice are seen, and nothing else is ever parsed.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request) => {
    checkAccess(request.headers, config.admin.address.host);
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    return typeof payload === 'string' ? escapeUnprintable(payload) : payload;
  });
  app.setErrorHandler((error: Error, request, reply) => sendError(error, { request, reply, log }));
  app.setNotFoundHandler((_request, reply) => {
    const problem = toProblem(
      'UND_API_ROUTE',
      'There are /livez, /readyz, /v1/status, /v1/settings, /v1/audit, /v1/verdicts, /v1/experiments, /v1/labels and /v1/erasures.',
    );
    return reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
  });
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async () => ({ status: 'ok', settings_version: store.settings.version }));
  await app.register(async (guarded) => {
    await guard(guarded, options.isToken, log);
    addRoutes(guarded, options);
    const candidates = config.candidates.map(({ name }) => name);
    addExperimentRoutes(guarded, {
      ...{ analysis: options.analysis, candidates, operatorOf },
      audit: store,
    });
    addLabelRoutes(guarded, { analysis: options.analysis, labels: config.analysis.labels });
    addErasureRoutes(guarded, {
      ...{ dataDir: config.dataDir, analysis: options.analysis, operatorOf },
      ...{ askMirror: options.askMirrorToErase, audit: store },
    });
  });
  await app.ready();
  return app;
}

/** Refuses, before a body is read, whoever has not the token. */
async function guard(
  app: FastifyInstance,
  isToken: ApiOptions['isToken'],
  log: ApiLog,
): Promise<void> {
  const budget = new RefusalBudget(LIMITS.apiRefusalsPerMinute, monotonicMs());
  await app.register(fastifyBearerAuth, { keys: new Set<string>(), auth: isToken, addHook: false });
  const { verifyBearerAuth } = app;
  if (verifyBearerAuth === undefined) throw new Error('bearer-auth has not decorated the server');
  app.addHook('onRequest', (request, reply, done) => {
    verifyBearerAuth(request, reply, (refusal) => {
      if (refusal === undefined) {
        done();
        return;
      }
      if (budget.take(monotonicMs())) {
        log.warn(
          { code: 'UND_API_TOKEN', remote: request.ip },
          'a request without the right token',
        );
        reply.header('www-authenticate', 'Bearer');
        done(new UnderstudyError('UND_API_TOKEN', 'Send Authorization: Bearer TOKEN.'));
      } else {
        reply.header('retry-after', '60');
        done(new UnderstudyError('UND_API_THROTTLED', 'Too many refusals; try again in a minute.'));
      }
    });
  });
}

function addRoutes(app: FastifyInstance, options: ApiOptions): void {
  const { config, store, log } = options;
  const candidates = config.candidates.map(({ name }) => name);
  const view = (settings: Settings): Settings => {
    const configured = configuredSettings({ ...config, mirror: { enabled: settings.enabled } });
    return {
      ...settings,
      rates: { ...configured.rates, ...settings.rates },
      requestsPerSecond: { ...configured.requestsPerSecond, ...settings.requestsPerSecond },
    };
  };
  const send = (reply: FastifyReply, settings: Settings): FastifyReply =>
    reply.header('etag', `"${settings.version}"`).send(view(settings));

  app.get('/v1/status', async () => options.report());
  app.get('/v1/settings', async (_request, reply) => send(reply, store.settings));
  app.get('/v1/audit', async (request) => readAudit(config.dataDir, sinceOf(request)));
  app.patch('/v1/settings', async (request, reply) => {
    if (typeof request.body !== 'string') {
      throw new UnderstudyError('UND_API_MEDIA_TYPE', 'Send a body, as application/json.');
    }
    const patch = parseSettingsPatch(request.body, candidates);
    const operator = operatorOf(request);
    const settings = store.change(patch, operator, ifVersionOf(request));
    const { by, remote } = operator;
    const rates = JSON.stringify(view(settings).rates);
    const { version, enabled } = settings;
    log.info({ version, by, remote, reason: patch.reason, enabled, rates }, 'settings changed');
    return send(reply, settings);
  });
}

/** Who changes: what the client says of its user, bounded; the token says only that it may. */
function operatorOf(request: FastifyRequest): Operator {
  const header = request.headers['x-understudy-operator'];
  const name = Buffer.from(typeof header === 'string' ? header : '', 'latin1').toString('utf8');
  const by = name
    .replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, LIMITS.operatorCharacters);
  return { by: by === '' ? 'unknown' : by, remote: request.ip };
}

/**
 * Each change says what it is made on, so that nobody overwrites what somebody else has just decided.
 *
 * @returns the version in `If-Match`, −1 for one that cannot be ours, `null` for `*`
 * @throws {UnderstudyError} `UND_API_PRECONDITION`
 */
function ifVersionOf(request: FastifyRequest): number | null {
  const header = request.headers['if-match'];
  if (header === undefined) {
    throw new UnderstudyError(
      'UND_API_PRECONDITION',
      'Send If-Match: the ETag that you have seen.',
    );
  }
  if (header.trim() === '*') return null;
  const match = /^"(\d{1,15})"$/.exec(header.trim());
  return match === null ? -1 : Number(match[1]);
}

/** @throws {UnderstudyError} `UND_API_FIELD` */
function sinceOf(request: FastifyRequest): number {
  const { since } = request.query as { since?: unknown };
  if (since === undefined) return Number.NEGATIVE_INFINITY;
  const ms = typeof since === 'string' ? Date.parse(since) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UnderstudyError('UND_API_FIELD', 'since is a time, as in 2026-11-23T12:00:00Z.');
}

function sendError(
  error: Error,
  of: { request: FastifyRequest; reply: FastifyReply; log: ApiLog },
): FastifyReply {
  const problem = problemOf(error);
  const { request, reply, log } = of;
  if (problem.status >= 500) {
    const cause = error.cause instanceof Error ? error.cause.message : '';
    const { code } = problem;
    log.error({ code, reason: error.message, cause, remote: request.ip }, 'request failed');
  } else if (problem.status === 403) {
    log.warn({ code: problem.code, remote: request.ip }, 'request refused');
  }
  return reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
}
