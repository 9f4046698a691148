import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/errors.ts';

const BASE = `
listeners: [{ listen: 0, incumbent: 127.0.0.1:1 }]
candidates: [{ name: next, url: 'http://127.0.0.1:1' }]
`;

function load(rest: string, route = '') {
  const text = `${BASE}routes: [{ name: score, path: /v1/score${route} }]\n${rest}`;
  return parseConfig(Buffer.from(text), '/etc/understudy.yaml');
}

function problemsOf(rest: string, route = ''): string[] {
  try {
    load(rest, route);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, expected }) => `${path}: ${expected}`);
  }
}

describe('redaction in a configuration', () => {
  it('is nothing where it is not written', () => {
    const { redaction, routes } = load('');
    expect(redaction).toEqual({ denyHeaders: [], allowHeaders: null, keys: [] });
    expect(routes[0]?.redact).toEqual({ request: [], answers: [], query: [] });
  });

  it('has names in lower case, paths from the folder of the file, and hides from all', () => {
    const { redaction, routes } = load(
      'redaction: { denyHeaders: [X-Id], allowHeaders: [X-Tier], keys: [{ id: "1", file: k }] }',
      ', redact: { request: [{ pointer: /a/*/b, action: hmac }] }',
    );
    expect(redaction).toEqual({
      denyHeaders: ['x-id'],
      allowHeaders: ['x-tier'],
      keys: [{ id: '1', file: '/etc/k' }],
    });
    expect(routes[0]?.redact.request).toEqual([{ pointer: '/a/*/b', action: 'hmac', from: 'all' }]);
  });

  it.each([
    [
      'redaction: { allowHeaders: [X-Tier, AUTHORIZATION] }',
      '',
      "redaction.allowHeaders[1]: no credential: a candidate's own stands in candidates[].headers",
    ],
    [
      'redaction: { keys: [{ id: a, file: k }, { id: a, file: l }] }',
      '',
      'redaction.keys[1].id: an id that is used once: it means one key',
    ],
    [
      '',
      ', redact: { answers: [{ pointer: /a, action: hmac }] }',
      'routes[0].redact.answers[0].action: drop or mask, or a key in redaction.keys',
    ],
    [
      '',
      ', redact: { request: [{ pointer: "", action: drop }] }',
      'routes[0].redact.request[0].pointer: a JSON Pointer that begins with "/", as in /features/0',
    ],
    [
      '',
      ', redact: { query: [{ name: a, action: hide }] }',
      'routes[0].redact.query[0].action: drop, mask or hmac',
    ],
  ])('of %s%s is refused: %s', (rest, route, problem) => {
    expect(problemsOf(rest, route)).toEqual([problem]);
  });
});
