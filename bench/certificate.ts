/** One certificate for all who speak TLS with callers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, writeCertificate } from '../test/support/certificates.ts';

export interface BenchCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Both in one, as HAProxy takes them. */
  readonly bothFile: string;
}

/** EC P-256, signed by an authority that nobody knows. */
export function makeCertificate(folder: string): BenchCertificate {
  const issued = new Authority('bench').issue({ commonName: 'scoring', names: ['127.0.0.1'] });
  const bothFile = join(folder, 'scoring-both.pem');
  writeFileSync(bothFile, issued.cert + issued.key, { mode: 0o600 });
  return { ...writeCertificate(folder, 'scoring', issued), bothFile };
}
