/** The gateways' shared health listener: `/livez` and `/readyz`, nothing else. */
import { createServer, type Server } from 'node:http';
import { LIMITS } from '../config/defaults.ts';

/** @param isReady - whether new connections are accepted */
export function createHealthServer(isReady: () => boolean): Server {
  const server = createServer({ requestTimeout: 5_000, keepAliveTimeout: 1_000 });
  server.maxConnections = LIMITS.healthConnections;
  server.on('request', (request, response) => {
    request.resume();
    const status = statusOf(request.url ?? '', isReady());
    response.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
    response.end(status === 200 ? 'ok\n' : status === 503 ? 'draining\n' : 'not found\n');
  });
  server.on('error', () => undefined); // EMFILE on accept: whoever asked tries again
  return server;
}

function statusOf(url: string, ready: boolean): number {
  if (url === '/livez') return 200;
  if (url === '/readyz') return ready ? 200 : 503;
  return 404;
}
