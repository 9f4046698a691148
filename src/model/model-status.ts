/** What a model process says of itself on its status socket. */
export interface ModelStatus {
  readonly process: 'model';
  /** `model-CANDIDATE` */
  readonly name: string;
  readonly pid: number;
  readonly version: string;
  readonly candidate: string;
  readonly ready: boolean;
  /** Requests to score that were answered, and those of them answered 4xx or 5xx. */
  readonly requests: number;
  readonly errors: number;
  readonly modelVersion: string;
  /** Why it is not ready: `CODE: sentence`; empty when it is. */
  readonly error: string;
}
