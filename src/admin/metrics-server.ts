/** The metrics listener: read only, no token, an address of its own. `GET /metrics`, `GET /livez`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LIMITS } from '../config/defaults.ts';

/** Nothing is bound yet. Scrapes that overlap share one run. */
export function createMetricsServer(render: () => Promise<string>): Server {
  let running: Promise<string> | null = null;
  const renderOnce = (): Promise<string> => {
    running ??= render().finally(() => {
      running = null;
    });
    return running;
  };
  const server = createServer(
    { requestTimeout: LIMITS.apiRequestMs, headersTimeout: LIMITS.apiRequestMs },
    // Cannot reject: `answer` catches what rendering throws.
    (request, response) => void answer(request, response, renderOnce),
  );
  server.maxConnections = LIMITS.apiConnections;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  render: () => Promise<string>,
): Promise<void> {
  request.resume();
  const path = (request.url ?? '').split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, 'text/plain', 'GET only\n');
  } else if (path === '/livez') {
    send(response, 200, 'text/plain', 'ok\n');
  } else if (path !== '/metrics') {
    send(response, 404, 'text/plain', 'see /metrics\n');
  } else {
    try {
      send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', await render());
    } catch {
      send(response, 500, 'text/plain', 'metrics could not be read\n');
    }
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response
    .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
    .end(text);
}
