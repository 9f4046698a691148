/** What the bench uses of http-proxy, which has no types of its own. */
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http';

  interface Proxy {
    web(request: IncomingMessage, response: ServerResponse): void;
    on(
      event: 'error',
      listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
    ): this;
  }

  interface ProxyOptions {
    readonly target: string;
    readonly agent: Agent;
  }

  const httpProxy: { createProxyServer(options: ProxyOptions): Proxy };
  export default httpProxy;
}
