import type { ExchangeCell } from './exchange-ledger.ts';

/** What a gateway says of itself on its status socket. Counts are cumulative of the epoch. */
export interface GatewayStatus {
  readonly process: 'gateway';
  /** `gw0` */
  readonly name: string;
  readonly instance: string;
  readonly pid: number;
  readonly version: string;
  readonly epoch: string;
  readonly uptimeMs: number;
  readonly settingsVersion: number;
  /** The mirror switch as this process sees it; why it is off. */
  readonly mirroring: boolean;
  readonly paused: '' | 'operator' | 'mirror_off';
  readonly draining: boolean;
  readonly seen: number;
  readonly open: number;
  readonly cells: readonly ExchangeCell[];
  readonly connections: {
    readonly open: number;
    readonly total: number;
    /** Connections that turned opaque, by reason. */
    readonly opaque: Readonly<Record<string, number>>;
    readonly opaqueBytes: number;
    /** Connections that a limit ended or refused, by limit. */
    readonly limited: Readonly<Record<string, number>>;
    /** Requests refused for doubt, by its reason. */
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly wire: {
    readonly connected: boolean;
    /** `up`, `down`, `version` (the mirror speaks another wire version). */
    readonly state: 'up' | 'down';
    readonly queuedBytes: number;
    readonly maxWireBytes: number;
  };
  readonly heldBytes: number;
  readonly maxHeldBytes: number;
  readonly loopDelayMaxMs: number;
  readonly logLinesDropped: number;
}
