/**
 * A candidate behind HTTP. Its address comes from configuration alone; the caller's request decides path, query,
 * headers and body, never where they go.
 */
import type { HttpCandidateConfig } from '../../config/types.ts';
import type { Log } from '../../telemetry/log-lines.ts';
import type { Candidate, CandidateRequest } from './candidate.ts';
import { CandidateTls } from './candidate-tls.ts';
import { ForbiddenAddresses } from './forbidden-addresses.ts';
import { HttpClient } from './http-client.ts';
import { OperatorHeaders } from './operator-headers.ts';

/**
 * @param config - read once
 * @param options.log - told of header and TLS files that cannot be used
 */
export function createHttpCandidate(
  config: HttpCandidateConfig,
  options: { readonly log: Pick<Log, 'warn' | 'info'> },
): Candidate {
  const url = new URL(config.url);
  const host = config.host === '' ? url.host : config.host;
  const operators = new OperatorHeaders(config.headers, options.log);
  const toPath = createPathMap(url.pathname, config.paths);
  const tls =
    config.tls === null
      ? null
      : new CandidateTls({ config: config.tls, candidate: config.name, log: options.log });
  const client = new HttpClient({
    origin: url.origin,
    timeoutMs: config.timeoutMs,
    maxInFlight: config.maxInFlight,
    maxAnswerBytes: config.maxAnswerBytes,
    network: { forbidden: new ForbiddenAddresses(config.allowAddresses), tls },
  });
  return {
    name: config.name,
    dispatch(request, done) {
      const { method, target, body } = request;
      const headers = toHeaders(request, host, operators);
      client.dispatch({ method, path: toPath(target), headers, body }, done);
    },
    close: () => {
      operators.stop();
      tls?.stop();
      return client.close();
    },
  };
}

function toHeaders(request: CandidateRequest, host: string, operators: OperatorHeaders): string[] {
  const headers: string[] = operators.names.has('host') ? [] : ['host', host];
  for (const [name, value] of request.headers) {
    if (!operators.names.has(name)) headers.push(name, value);
  }
  for (const text of operators.flat) headers.push(text);
  return headers;
}

/**
 * Maps a request target: the path by the table (unlisted ones stay), then the base path before it; the query stays.
 *
 * @param basePath - of the candidate's URL; a final `/` counts for nothing
 */
export function createPathMap(
  basePath: string,
  paths: Readonly<Record<string, string>>,
): (target: string) => string {
  const base = basePath.endsWith('/') ? basePath.slice(0, -1) : basePath;
  const table = new Map(Object.entries(paths));
  return (target) => {
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    const mapped = table.get(path) ?? path;
    return `${base}${mapped}${query === -1 ? '' : target.slice(query)}`;
  };
}
