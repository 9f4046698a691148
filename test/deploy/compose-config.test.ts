import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'deploy', 'compose', 'understudy.yaml');

test('the configuration of the compose project mirrors what the demo mirrors', () => {
  const compose = parse(readFileSync(path, 'utf8'));
  const demo = parse(readFileSync(join(root, 'config', 'demo.yaml'), 'utf8'));
  expect(compose.experiment).toBe(demo.experiment);
  expect(compose.routes).toEqual(demo.routes);
  const [candidate] = demo.candidates;
  const model = candidate.model.replace('..', '/app');
  expect(compose.candidates).toEqual([{ ...candidate, model }]);
});

test('the configuration of the compose project is valid', () => {
  const config = loadConfig(path);
  expect(config.runDir).toBe('/run/understudy');
  expect(config.dataDir).toBe('/var/lib/understudy');
});

test('docs/docker.md lists each variable of the compose files, and no other', () => {
  const docs = readFileSync(join(root, 'docs', 'docker.md'), 'utf8');
  const files = ['docker-compose.yml', 'deploy/compose/own-token.yml'];
  const used = files.flatMap((file) =>
    Array.from(
      readFileSync(join(root, file), 'utf8').matchAll(/\$\{([A-Z_]+)/g),
      ([, name]) => name,
    ),
  );
  // `UNDERSTUDY_COMPOSE_INCUMBENT`, `_ADMIN`: the second name goes without what they share.
  const named = Array.from(
    docs.matchAll(/`?\b(UNDERSTUDY_COMPOSE|KAFKA)?(_[A-Z_]+[A-Z])\b/g),
    (m) => (m[1] === undefined ? `UNDERSTUDY_COMPOSE${m[2]}` : `${m[1]}${m[2]}`),
  );
  expect([...new Set(named)].sort()).toEqual([...new Set(used)].sort());
});

test('the gateway’s bounded memory fits into its container', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const limit = Number(/UNDERSTUDY_COMPOSE_GATEWAY_MEMORY:-(\d+)m/.exec(compose)?.[1]);
  const { processes, maxHeldBytes, maxWireBytes } = loadConfig(path).gateway;
  // docs/docker.md: 60 MiB for the supervisor, 100 MiB for each gateway, and what it may hold.
  const MiB = 1024 * 1024;
  const needed = 60 + processes * (100 + (maxHeldBytes + maxWireBytes) / MiB);
  expect(limit).toBeGreaterThanOrEqual(needed);
});
