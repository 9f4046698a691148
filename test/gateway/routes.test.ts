import { describe, expect, it } from 'vitest';
import { compileRoutes } from '../../src/gateway/routes.ts';
import { ROUTE } from './rig.ts';

function routes(...list: readonly [name: string, methods: string[], path: string][]) {
  return compileRoutes(list.map(([name, methods, path]) => ({ ...ROUTE, name, methods, path })));
}

describe('compileRoutes', () => {
  it('matches an exact path whatever the query, and no other path', () => {
    const match = routes(['score', ['POST'], '/v1/score']);
    expect(match('POST', '/v1/score')).toEqual({ route: 'score', index: 0, reason: '' });
    expect(match('POST', '/v1/score?a=/b').reason).toBe('');
    for (const target of ['/v1/scores', '/v1/score/', '/V1/score', '//v1/score', '/v1%2Fscore']) {
      expect(match('POST', target), target).toEqual({ route: '-', index: -1, reason: 'route' });
    }
  });

  it('tells a method that is not mirrored from a path that is not', () => {
    const match = routes(['score', ['POST'], '/v1/score']);
    expect(match('GET', '/v1/score')).toEqual({ route: 'score', index: -1, reason: 'method' });
    expect(match('post', '/v1/score').reason).toBe('method');
  });

  it('takes a parameter for exactly one segment, and a star for the rest', () => {
    const match = routes(
      ['model', ['POST'], '/v1/models/{name}/score'],
      ['rest', ['POST'], '/v1/*'],
      ['dot', ['POST'], '/a.b/{x}'],
    );
    expect(match('POST', '/v1/models/fraud-v7/score').route).toBe('model');
    expect(match('POST', '/v1/models//score').route).toBe('rest');
    expect(match('POST', '/v1/models/a/b/score').route).toBe('rest');
    expect(match('POST', '/v1/').route).toBe('rest');
    expect(match('POST', '/a.b/1').route).toBe('dot');
    expect(match('POST', '/aXb/1').route).toBe('-');
  });

  it('lets the first match win, and a later one serve another method', () => {
    const match = routes(['a', ['GET'], '/x'], ['b', ['POST'], '/x'], ['c', ['POST'], '/*']);
    expect(match('GET', '/x').route).toBe('a');
    expect(match('POST', '/x')).toEqual({ route: 'b', index: 1, reason: '' });
  });

  it('reads the path of an absolute target', () => {
    const match = routes(['score', ['POST'], '/v1/score'], ['root', ['POST'], '/']);
    expect(match('POST', 'http://h:80/v1/score?q').route).toBe('score');
    expect(match('POST', 'HTTP://h').route).toBe('root');
    expect(match('OPTIONS', '*').reason).toBe('route');
  });
});
