/**
 * The proxy that a user would write first: http-proxy with an agent that keeps connections alive.
 *
 *   node bench/peers/plain-proxy.ts PORT INCUMBENT_PORT
 */
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [port, incumbentPort] = process.argv.slice(2).map(Number);
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${incumbentPort}`,
  agent: new Agent({ keepAlive: true }),
});
proxy.on('error', (_error, _request, response) => {
  response.writeHead(502);
  response.end();
});
createServer((request, response) => proxy.web(request, response)).listen({
  host: '127.0.0.1',
  port: port ?? 0,
  backlog: 4_096,
});
