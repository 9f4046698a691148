import type { ExchangeCell } from './exchange-ledger.ts';

/** One incumbent as a gateway sees it. */
export interface IncumbentStatus {
  /** Name of the listener whose callers it serves. */
  readonly listener: string;
  /** `host:port` */
  readonly incumbent: string;
  /** Addresses in use; 0: its name does not resolve. Those of them that are passed over now. */
  readonly addresses: number;
  readonly skippedAddresses: number;
  /** How often an address was set aside because it gave no connection. */
  readonly addressSkips: number;
  readonly resolveFailures: number;
  /** What is wrong with its TLS files now; empty: nothing. */
  readonly tlsFault: string;
}

/** TLS of one listener as a gateway sees it. */
export interface ListenerTlsStatus {
  readonly listener: string;
  /** By outcome: `ok`, or why they failed. */
  readonly handshakes: Readonly<Record<string, number>>;
  /** The listener's own first. */
  readonly certificates: readonly {
    /** First of its server names; empty: the listener's own. */
    readonly name: string;
    /** Unix ms; `null`: none is loaded. */
    readonly notAfterMs: number | null;
    /** What is wrong with its files now; an older certificate is in use meanwhile. Empty: nothing. */
    readonly fault: string;
    readonly reloads: number;
    readonly reloadFailures: number;
  }[];
}

/** PROXY headers of one listener. */
export interface ProxyEntryStatus {
  readonly listener: string;
  /** By outcome: `ok`, or why they were refused. */
  readonly headers: Readonly<Record<string, number>>;
}

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
  /** Summed up over hours and size classes. */
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
  readonly incumbents: readonly IncumbentStatus[];
  /** Listeners with TLS. */
  readonly tls: readonly ListenerTlsStatus[];
  /** Listeners that require a PROXY header. */
  readonly proxy: readonly ProxyEntryStatus[];
  readonly wire: {
    readonly connected: boolean;
    /** `refused`: the mirror ends each connection after the greeting, so it speaks another wire version. */
    readonly state: 'up' | 'down' | 'refused';
    readonly queuedBytes: number;
    readonly maxWireBytes: number;
  };
  readonly heldBytes: number;
  readonly maxHeldBytes: number;
  readonly loopDelayMaxMs: number;
  readonly logLinesDropped: number;
}
