import { join } from 'node:path';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';

/** A configuration with two candidates, in a folder of its own: run, data, and free ports. */
export function configIn(folder: string): Config {
  const yaml = `
runDir: ${join(folder, 'run')}
dataDir: ${join(folder, 'data')}
listeners:
  - { listen: '127.0.0.1:0', incumbent: '127.0.0.1:9' }
routes:
  - { name: score, path: /v1/score }
candidates:
  - { name: v7, kind: http, url: 'http://127.0.0.1:9', rate: 0.25, routes: [score] }
  - { name: v8, kind: http, url: 'http://127.0.0.1:9', routes: [score] }
admin: { listen: '127.0.0.1:0' }
metrics: { listen: '127.0.0.1:0' }
`;
  return parseConfig(Buffer.from(yaml), join(folder, 'understudy.yaml'));
}
