/** Which exchanges are mirrored: method and path against the configured routes, the first match wins. */
import type { RouteConfig } from '../config/types.ts';
import { NO_ROUTE } from '../wire/exchange-states.ts';

export interface RouteMatch {
  /** Name of the route; `NO_ROUTE` where no path matches. */
  readonly route: string;
  /** Index of the route in the configuration; −1 where the exchange is not mirrored. */
  readonly index: number;
  /** Why it is not mirrored; empty where it is. */
  readonly reason: '' | 'route' | 'method';
}

interface CompiledRoute {
  readonly methods: ReadonlySet<string>;
  readonly exact: string;
  readonly pattern: RegExp | null;
  readonly match: RouteMatch;
  readonly methodMatch: RouteMatch;
}

const NONE: RouteMatch = { route: NO_ROUTE, index: -1, reason: 'route' };

/**
 * @returns a function of method and request target (any form; the query is left out). Paths are compared
 *   as they were sent, percent-encoding included: what the incumbent makes of it is not ours to guess.
 */
export function compileRoutes(
  routes: readonly RouteConfig[],
): (method: string, target: string) => RouteMatch {
  const compiled = routes.map(compileRoute);
  return (method, target) => {
    const path = pathOf(target);
    let matched = NONE;
    for (const route of compiled) {
      if (route.pattern === null ? route.exact !== path : !route.pattern.test(path)) continue;
      if (route.methods.has(method)) return route.match;
      if (matched === NONE) matched = route.methodMatch;
    }
    return matched;
  };
}

function compileRoute(route: RouteConfig, index: number): CompiledRoute {
  const isExact = !/[{*]/.test(route.path);
  return {
    methods: new Set(route.methods),
    exact: route.path,
    pattern: isExact ? null : patternOf(route.path),
    match: { route: route.name, index, reason: '' },
    methodMatch: { route: route.name, index: -1, reason: 'method' },
  };
}

/** `{name}` is one segment of at least one character, a final `*` the rest, also an empty one. */
function patternOf(template: string): RegExp {
  const parts = template.split(/(\{[^{}/]*\}|\*$)/);
  const source = parts.map((part) => {
    if (part === '*') return '.*';
    return /^\{[^{}/]*\}$/.test(part) ? '[^/]+' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (path.charCodeAt(0) === 47) return path;
  const absolute = /^https?:\/\/[^/]*(\/.*)?$/i.exec(path);
  return absolute === null ? path : (absolute[1] ?? '/');
}
