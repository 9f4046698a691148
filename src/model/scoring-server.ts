/**
 * An ordinary JSON scoring API over HTTP/1.1: `POST <path>` with named features answers
 * `{"score":…,"label":…,"model_version":…}`, `GET /health/ready` says whether a model is loaded. The model
 * process serves it on a Unix socket, the demo's incumbent on TCP. One request, one prediction.
 *
 * Whatever a caller sends ends in an answer with a code (RFC 9457) or a closed connection, never in an
 * exception; bodies, open requests and the time they may take are bounded (`LIMITS.score…`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { LIMITS } from '../config/defaults.ts';
import { ERRORS, type ErrorCode, UnderstudyError } from '../errors.ts';
import { type ListenPlace, listenAt } from './listen.ts';
import { readJsonBody } from './request-body.ts';
import type { Model } from './session.ts';

export interface ScoringServerOptions {
  readonly place: ListenPlace;
  /** `/score` */
  readonly scorePath: string;
  /** The model to ask; a string while there is none: why. */
  readonly model: () => Model | string;
}

/** Requests to the score path: all that came to an answer, and those answered 4xx or 5xx. */
export interface ScoringCounts {
  readonly requests: number;
  readonly errors: number;
}

export interface ScoringServer {
  /** The bound TCP port; 0 for a Unix socket. */
  readonly port: number;
  counts(): ScoringCounts;
  /** Stops accepting, answers what is open (at most 2 s), closes. */
  close(): Promise<void>;
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  UND_SCORE_REQUEST: 400,
  UND_SCORE_TOO_LARGE: 413,
  UND_SCORE_BUSY: 503,
  UND_MODEL_NOT_READY: 503,
};

/** Longer than any keep-alive a client is likely to have, so that the client closes first. */
const KEEP_ALIVE_MS = 75_000;
const CLOSE_WAIT_MS = 2_000;

/** @throws {UnderstudyError} `UND_LISTEN_FAILED` */
export async function serveScoring(options: ScoringServerOptions): Promise<ScoringServer> {
  const counts = { requests: 0, errors: 0, open: 0 };
  const server = createServer({
    requestTimeout: LIMITS.scoreRequestMs,
    headersTimeout: LIMITS.scoreRequestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.on('request', (request, response) => {
    // Cannot reject: answerScore ends every error as an answer.
    void route(request, response, { options, counts });
  });
  server.on('clientError', refuseMalformed);
  const port = await listenAt(server, options.place);
  return {
    port,
    counts: () => ({ requests: counts.requests, errors: counts.errors }),
    close: () => closeServer(server),
  };
}

interface Serving {
  readonly options: ScoringServerOptions;
  readonly counts: { requests: number; errors: number; open: number };
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> {
  // A reset of the connection is the caller's affair; without a listener it would be ours.
  request.on('error', () => {});
  response.on('error', () => {});
  const path = (request.url ?? '').split('?', 1)[0];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (path === '/health/ready' && isRead) return answerReady(response, serving.options.model());
  if (path !== serving.options.scorePath) {
    return answerProblem(response, {
      status: 404,
      code: 'UND_SCORE_ROUTE',
      detail: 'there is no such path',
    });
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    return answerProblem(response, {
      status: 405,
      code: 'UND_SCORE_ROUTE',
      detail: 'this path answers POST only',
    });
  }
  serving.counts.open += 1;
  try {
    await answerScore(request, response, serving);
  } finally {
    serving.counts.open -= 1;
  }
}

async function answerScore(
  request: IncomingMessage,
  response: ServerResponse,
  { options, counts }: Serving,
): Promise<void> {
  try {
    if (counts.open > LIMITS.scoreOpenRequests) {
      throw new UnderstudyError('UND_SCORE_BUSY', 'too many open requests, try again later');
    }
    const body = await readJsonBody(request);
    if (body === undefined) return;
    const model = options.model();
    if (typeof model === 'string') throw new UnderstudyError('UND_MODEL_NOT_READY', model);
    const score = await model.score(body);
    counts.requests += 1;
    answer(response, 200, { type: 'application/json', body: JSON.stringify(score) });
  } catch (error) {
    counts.requests += 1;
    counts.errors += 1;
    const code = error instanceof UnderstudyError ? error.code : 'UND_SCORE_FAILED';
    // The rest of an unread body would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    const detail = error instanceof UnderstudyError ? error.message : 'internal error';
    answerProblem(response, { status: STATUS[code] ?? 500, code, detail });
  }
}

function answerReady(response: ServerResponse, model: Model | string): void {
  if (typeof model === 'string') {
    answerProblem(response, { status: 503, code: 'UND_MODEL_NOT_READY', detail: model });
  } else {
    const body = JSON.stringify({ ready: true, model_version: model.modelVersion });
    answer(response, 200, { type: 'application/json', body });
  }
}

/** A problem document, RFC 9457, with our code as extension member. */
function answerProblem(
  response: ServerResponse,
  problem: { readonly status: number; readonly code: ErrorCode; readonly detail: string },
): void {
  const { status, code, detail } = problem;
  const body = JSON.stringify({ title: ERRORS[code].meaning, status, detail, code });
  answer(response, status, { type: 'application/problem+json', body });
}

function answer(
  response: ServerResponse,
  status: number,
  content: { readonly type: string; readonly body: string },
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    'content-type': content.type,
    'content-length': Buffer.byteLength(content.body),
  });
  response.end(content.body);
}

/** What Node's parser could not read: there is no request to answer, only a connection to end. */
function refuseMalformed(_error: Error, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify({
    title: ERRORS.UND_SCORE_REQUEST.meaning,
    status: 400,
    code: 'UND_SCORE_REQUEST',
  });
  socket.end(
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
