/**
 * The demo's incumbent: an ordinary JSON scoring API in its own process, which knows nothing of Understudy.
 * One line of JSON on standard input says what to serve; when standard input ends, so does this process,
 * so that a killed demo leaves nothing behind.
 */
import { createInterface } from 'node:readline';
import type { DemoModel } from '../demo/dataset.ts';
import { ModelHolder } from '../model/model-holder.ts';
import { type ScoringServer, serveScoring } from '../model/scoring-server.ts';
import { LogLines } from '../telemetry/log-lines.ts';

/** The line on standard input. */
export interface IncumbentInput {
  readonly model: DemoModel;
  /** On 127.0.0.1. */
  readonly port: number;
  readonly path: string;
}

const log = new LogLines({ process: 'demo-incumbent', level: 'info' });
let server: ScoringServer | null = null;

async function serve({ model, port, path }: IncumbentInput): Promise<void> {
  const holder = new ModelHolder(model, ({ ready, error }) => {
    if (ready) log.info('model loaded', { model: model.model });
    else log.error('model not ready', { reason: error });
  });
  await holder.start();
  server = await serveScoring({
    place: { host: '127.0.0.1', port },
    scorePath: path,
    model: () => holder.current,
  });
}

async function stop(): Promise<void> {
  await server?.close();
  process.exit();
}

process.on('SIGTERM', () => void stop());
const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  serve(JSON.parse(line)).catch((error: unknown) => {
    log.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  });
});
lines.once('close', () => void stop());
