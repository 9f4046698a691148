/** Where callers connect, how, and where their bytes go: the part of `Config` that is about connections. */

/** A TCP address. */
export interface Address {
  readonly host: string;
  /** 0 to 65535; 0 picks a free port. */
  readonly port: number;
}

/** A Unix socket, by its path: absolute, at most LIMITS.socketPathBytes. */
export interface UnixAddress {
  readonly path: string;
}

/** What can be listened on and connected to. */
export type Endpoint = Address | UnixAddress;

/** One listener = one incumbent. Routes decide what is mirrored, never where bytes go. */
export interface ListenerConfig {
  readonly name: string;
  readonly address: Endpoint;
  /** A name is looked up again and again, and all its addresses are used. */
  readonly incumbent: Endpoint;
  /** How it is connected to. */
  readonly upstream: UpstreamConfig;
  /** `null`: callers connect in plain. */
  readonly tls: ListenerTlsConfig | null;
  /** Fields that are inserted into the heads of requests. */
  readonly insert: InsertConfig;
  /** `null`: connections begin with the caller's own bytes. */
  readonly proxy: ProxyEntryConfig | null;
}

/** Of a field in the requests' heads: gateway/insert-fields.ts says what each means. */
export type InsertMode = 'leave' | 'append' | 'replace';

/** Any of them on requires `gateway.ambiguous: reject`. */
export interface InsertConfig {
  readonly xForwardedFor: InsertMode;
  readonly xForwardedProto: InsertMode;
  readonly xForwardedHost: InsertMode;
  readonly forwarded: InsertMode;
  readonly traceparent: InsertMode;
  readonly requestId: InsertMode;
}

/** Each connection begins with a PROXY header, version 1 or 2. */
export interface ProxyEntryConfig {
  /** It comes within this time. */
  readonly timeoutMs: number;
  /** Addresses and networks that may send one; none: any. */
  readonly sources: readonly string[];
}

/** Certificate and key, PEM, absolute paths; re-read on change. */
export interface CertificateFiles {
  /** The certificate, then the intermediate ones. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface ListenerTlsConfig extends CertificateFiles {
  /** Other certificates, by the name that a caller asks for (SNI). */
  readonly names: readonly ServerNameConfig[];
  /** Whether callers must show one. `optional`: one that is shown must be good. */
  readonly clientCertificates: 'off' | 'optional' | 'required';
  /** Who vouches for callers; empty where they need no certificate. */
  readonly clientCaFile: string;
  readonly minVersion: '1.2' | '1.3';
  readonly handshakeTimeoutMs: number;
}

export interface ServerNameConfig extends CertificateFiles {
  /** Lower case; `*.example.com` stands for one label. */
  readonly serverNames: readonly string[];
  /** `null`: the listener's. */
  readonly incumbent: Endpoint | null;
  /** How it is connected to, where it is not the listener's. */
  readonly upstream: UpstreamConfig;
}

export interface UpstreamConfig {
  /** `null`: in plain. */
  readonly tls: UpstreamTlsConfig | null;
  /** Which PROXY header each connection begins with. */
  readonly proxyProtocol: 'off' | 'v1' | 'v2';
}

/** TLS with an incumbent or a candidate. Absolute paths of PEM files, empty: none; re-read on change. */
export interface UpstreamTlsConfig {
  /** Who vouches for it; empty: the certificate authorities that Node knows. */
  readonly caFile: string;
  /** The name its certificate must have; empty: its host. */
  readonly serverName: string;
  /** The certificate that is shown to it, and its key. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Whether its certificate must be good. */
  readonly verify: boolean;
}
