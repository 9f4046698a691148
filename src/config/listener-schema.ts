/** The part of the file that says where callers connect, how, and where their bytes go. */
import { z } from 'zod';
import { isNetwork } from './address.ts';
import { endpoint, incumbent, milliseconds, name, optionalPath, path, text } from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { peerTls } from './tls-schema.ts';

const certFile = path('a path of a PEM file').meta({
  description: 'PEM: the certificate, then the intermediate ones. Read again when it changes.',
});
const keyFile = path('a path of a PEM file').meta({
  description: 'PEM: its private key, not encrypted. Read again when it changes.',
});

const serverName = text(
  /^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/,
  'a host name: a.example.com, or *.example.com for one label',
);

const upstreamDefaults = DEFAULTS.listener.upstream;
const upstream = z
  .strictObject({
    ...peerTls('incumbent'),
    proxyProtocol: z
      .enum(['off', 'v1', 'v2'], { error: 'off, v1 or v2' })
      .default(upstreamDefaults.proxyProtocol)
      .meta({ description: 'The PROXY header that each connection to the incumbent begins with.' }),
  })
  .prefault({});

const named = z.strictObject({
  serverNames: z
    .array(serverName, { error: 'a list of host names' })
    .min(1, { error: 'at least one host name' })
    .max(LIMITS.serverNames, { error: `at most ${LIMITS.serverNames} host names` })
    .meta({ description: 'Names that callers ask for (SNI); *.example.com stands for one label.' }),
  certFile,
  keyFile,
  incumbent: incumbent
    .optional()
    .meta({ description: "Where the bytes of these callers go; the listener's where missing." }),
  upstream: upstream.meta({ description: 'How their own incumbent is connected to.' }),
});

const networkError = 'a network or address: 10.0.0.0/8, fd00::/8, 192.0.2.7';
const network = z.string({ error: networkError }).refine(isNetwork, { error: networkError });

const tlsDefaults = DEFAULTS.listener.tls;
const tls = z.strictObject({
  certFile,
  keyFile,
  names: z
    .array(named, { error: 'a list of names with their certificates' })
    .max(LIMITS.tlsNames, { error: `at most ${LIMITS.tlsNames} entries` })
    .default([])
    .meta({ description: 'Other certificates, and other incumbents, by name.' }),
  clientCertificates: z
    .enum(['off', 'optional', 'required'], { error: 'off, optional or required' })
    .default(tlsDefaults.clientCertificates)
    .meta({ description: 'Whether callers show a certificate; one that is shown must be good.' }),
  clientCaFile: optionalPath('a path')
    .default(tlsDefaults.clientCaFile)
    .meta({ description: "PEM: who vouches for callers' certificates. Read again on change." }),
  minVersion: z
    // Without quotes YAML reads a number.
    .union([z.enum(['1.2', '1.3']), z.literal([1.2, 1.3])], { error: '1.2 or 1.3' })
    .default(tlsDefaults.minVersion)
    .meta({ description: 'The oldest version of TLS that callers may speak.' }),
  handshakeTimeoutMs: milliseconds().default(tlsDefaults.handshakeTimeoutMs).meta({
    description: 'A handshake takes at most so long.',
  }),
});

const insertDefaults = DEFAULTS.listener.insert;
const insertMode = (key: keyof typeof insertDefaults, description: string) =>
  z
    .enum(['leave', 'append', 'replace'], { error: 'leave, append or replace' })
    .default(insertDefaults[key])
    .meta({ description });

const insert = z.strictObject({
  xForwardedFor: insertMode('xForwardedFor', "X-Forwarded-For: the caller's address."),
  xForwardedProto: insertMode('xForwardedProto', 'X-Forwarded-Proto: http, or https with TLS.'),
  xForwardedHost: insertMode('xForwardedHost', 'X-Forwarded-Host: as in Host.'),
  forwarded: insertMode('forwarded', 'Forwarded (RFC 7239): for, host, proto.'),
  traceparent: insertMode('traceparent', 'traceparent (W3C): a new trace where there is none.'),
  requestId: insertMode('requestId', "X-Request-Id: the exchange's id, as on its pair."),
});

/** One listener. */
export const listener = z.strictObject({
  name: name('name')
    .default(DEFAULTS.listener.name)
    .meta({ description: 'Name of the listener, unique.' }),
  listen: endpoint(DEFAULTS.listener.host).meta({
    description:
      'Where callers connect to: host:port, [IPv6]:port, a port of 127.0.0.1, or unix:path.',
  }),
  incumbent: incumbent.meta({
    description:
      'Where their bytes go: http(s)://host:port, host:port or unix:path. Its answers are returned.',
  }),
  upstream: upstream.meta({ description: 'How the incumbent is connected to.' }),
  insert: insert
    .prefault({})
    .meta({ description: 'Fields inserted into requests; needs gateway.ambiguous: reject.' }),
  tls: tls
    .nullable()
    .default(null)
    .meta({ description: 'TLS with callers; null: they connect in plain.' }),
  proxyProtocol: z
    .enum(['off', 'required'], { error: 'off or required' })
    .default(DEFAULTS.listener.proxyProtocol)
    .meta({ description: 'Whether connections begin with a PROXY header, version 1 or 2.' }),
  proxyTimeoutMs: milliseconds().default(DEFAULTS.listener.proxyTimeoutMs).meta({
    description: 'It comes within this time.',
  }),
  proxySources: z
    .array(network, { error: 'a list of networks' })
    .max(LIMITS.proxySources, { error: `at most ${LIMITS.proxySources} networks` })
    .default([])
    .meta({ description: 'Networks and addresses that may send one; none: any.' }),
});
