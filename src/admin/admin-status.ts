/** What the admin process says of itself on its status socket. */
import type { AnalysisStatus } from '../analysis/analysis-messages.ts';

export interface AdminStatus {
  readonly process: 'admin';
  readonly name: 'admin';
  readonly pid: number;
  readonly version: string;
  readonly uptimeMs: number;
  readonly settingsVersion: number;
  /** Base URL of the API; empty while it is not there. */
  readonly url: string;
  /** URL of the metrics; empty while they are not there, or not configured. */
  readonly metricsUrl: string;
  readonly tokenFile: string;
  readonly dataDir: string;
  /** Code of what the API or the metrics wait for; empty when all is well. */
  readonly error: string;
  readonly logLinesDropped: number;
  /** `null`: nothing is analysed. */
  readonly analysis: AnalysisStatus | null;
}
