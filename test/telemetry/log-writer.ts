/** A process that logs as fast as it can, and tells on stderr how it fared. Argument: number of lines. */
import { LIMITS } from '../../src/config/defaults.ts';
import { monotonicMs } from '../../src/telemetry/clock.ts';
import { LogLines } from '../../src/telemetry/log-lines.ts';
import { LogSink } from '../../src/telemetry/log-sink.ts';

const sink = new LogSink();
const log = new LogLines({ process: 'gw0', level: 'info' }, sink);
const start = monotonicMs();
for (let i = 0; i < Number(process.argv[2]); i++) {
  log.info(`line ${i}`, { text: 'x'.repeat(100) });
}
process.stderr.write(
  `${JSON.stringify({ ms: monotonicMs() - start, dropped: log.dropped, queued: sink.queuedBytes, limit: LIMITS.logQueueBytes })}\n`,
);
// Ends by itself when stdin does.
process.stdin.resume();
