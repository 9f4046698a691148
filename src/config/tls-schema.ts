/** What users write of how we speak TLS to others: incumbents and candidates. */
import { flag, optionalPath, text } from './checks.ts';
import { DEFAULTS } from './defaults.ts';

/** @param peer - who is spoken to, for descriptions */
export function peerTls(peer: 'incumbent' | 'candidate') {
  const defaults = DEFAULTS.peerTls;
  return {
    caFile: optionalPath('a path')
      .default(defaults.caFile)
      .meta({
        description: `PEM: who vouches for an https:// ${peer}; empty: the authorities Node knows.`,
      }),
    serverName: text(/^[A-Za-z0-9_.:-]{0,253}$/, 'a host name or address, or nothing')
      .default(defaults.serverName)
      .meta({ description: 'The name its certificate must have; empty: its host.' }),
    certFile: optionalPath('a path').default(defaults.certFile).meta({
      description: 'PEM: the certificate that is shown to it.',
    }),
    keyFile: optionalPath('a path')
      .default(defaults.keyFile)
      .meta({ description: 'PEM: its private key, not encrypted.' }),
    verify: flag()
      .default(defaults.verify)
      .meta({
        description: `Whether its certificate must be good. Without it anybody can be the ${peer}.`,
      }),
  };
}
