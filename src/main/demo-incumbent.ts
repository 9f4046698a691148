/**
 * The demo's incumbent: an ordinary JSON scoring API in its own process, which knows nothing of Understudy.
 * One line of JSON on standard input says what to serve; when standard input ends, so does this process,
 * so that a killed demo leaves nothing behind. With an argument, `HOST:PORT`, it is a service by itself (in
 * docker-compose.yml): it serves the incumbent's model there until SIGTERM, whatever its standard input.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type DemoModel, readDemoModel } from '../demo/dataset.ts';
import type { ListenPlace } from '../model/listen.ts';
import { ModelHolder } from '../model/model-holder.ts';
import { type ScoringServer, serveScoring } from '../model/scoring-server.ts';
import { LogLines } from '../telemetry/log-lines.ts';

/** The line on standard input. */
export interface IncumbentInput {
  readonly model: DemoModel;
  /** Of the demo: the socket that it has bound. */
  readonly place: ListenPlace;
  readonly path: string;
}

const log = new LogLines({ process: 'demo-incumbent', level: 'info' });
let server: ScoringServer | null = null;

async function serve({ model, place, path }: IncumbentInput): Promise<void> {
  const holder = new ModelHolder(model, ({ ready, error }) => {
    if (ready) log.info('model loaded', { model: model.model });
    else log.error('model not ready', { reason: error });
  });
  await holder.start();
  server = await serveScoring({ place, scorePath: path, model: () => holder.current });
}

async function stop(): Promise<void> {
  await server?.close();
  process.exit();
}

function start(input: IncumbentInput): void {
  serve(input).catch((error: unknown) => {
    log.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  });
}

process.on('SIGTERM', () => void stop());
const [, , address] = process.argv;
if (address === undefined) {
  const lines = createInterface({ input: process.stdin });
  lines.once('line', (line) => start(JSON.parse(line)));
  lines.once('close', () => void stop());
} else {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
  const folder = join(import.meta.dirname, '..', '..', 'models', 'lending-club');
  const model = readDemoModel(folder, 'incumbent');
  start({ model, place: { host, port: Number(port) }, path: '/v1/score' });
}
