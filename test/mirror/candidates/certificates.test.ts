import { writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS, LIMITS } from '../../../src/config/defaults.ts';
import type { UpstreamTlsConfig } from '../../../src/config/types.ts';
import type { CandidateOutcome } from '../../../src/mirror/candidates/candidate.ts';
import { createHttpCandidate } from '../../../src/mirror/candidates/http.ts';
import { Authority, type CertificateOptions } from '../../support/certificates.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { httpCandidate, SILENT } from '../rig.ts';

/** With an authority that Node knows, so that only what each test is about can be wrong. */
const known = new Authority('Known authority');
const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, known.cert]));
afterAll(() => setDefaultCACertificates(before));

const DAY_MS = 86_400_000;
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS);

interface Scene {
  readonly server: Server;
  /** Sends a copy; a byte of it has come to the server only where there is an answer. */
  send(): Promise<CandidateOutcome>;
}

/** @param server - certificate and more of the server; @param tls - of the candidate's configuration */
async function scene(server: ServerOptions, tls: Partial<UpstreamTlsConfig> = {}): Promise<Scene> {
  let requests = 0;
  const https = createServer(server, (_request, response) => {
    requests += 1;
    response.setHeader('connection', 'close').end('{}');
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  const { port } = https.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const config = httpCandidate(url, { tls: { ...DEFAULTS.peerTls, ...tls } });
  const candidate = createHttpCandidate(config, { log: SILENT });
  onTestFinished(async () => {
    await candidate.close();
    https.closeAllConnections();
    https.close();
  });
  const send = async (): Promise<CandidateOutcome> => {
    const before = requests;
    const outcome = await new Promise<CandidateOutcome>((resolve) => {
      const body = Buffer.from('{"secret":1}');
      candidate.dispatch({ method: 'POST', target: '/', headers: [], body }, resolve);
    });
    expect(requests - before).toBe(outcome.kind === 'answer' ? 1 : 0);
    return outcome;
  };
  return { server: https, send };
}

async function outcomeWith(
  options: Partial<CertificateOptions>,
  authority = known,
): Promise<CandidateOutcome> {
  const { send } = await scene(certificateOf(authority, options));
  return send();
}

function certificateOf(authority: Authority, options: Partial<CertificateOptions> = {}) {
  return authority.issue({ commonName: 'candidate', names: ['127.0.0.1'], ...options });
}

/** @returns paths of PEM files with these contents */
function filesOf<K extends string>(contents: Record<K, string>): Record<K, string> {
  const folder = tempFolder();
  const entries = Object.entries<string>(contents).map(([name, text]) => {
    const path = join(folder, `${name}.pem`);
    writeFileSync(path, text);
    return [name, path];
  });
  return Object.fromEntries(entries);
}

const GOOD = { kind: 'answer', status: 200 };
const REFUSED = { kind: 'error', reason: 'tls' };

it('sends a copy to a candidate whose certificate is good', async () => {
  expect(await outcomeWith({})).toMatchObject(GOOD);
});

it.each<[string, Partial<CertificateOptions>, Authority?]>([
  ['has expired', { notBefore: daysFromNow(-20), notAfter: daysFromNow(-1) }],
  ['is not valid yet', { notBefore: daysFromNow(1), notAfter: daysFromNow(20) }],
  ['is of another name', { names: ['candidate.example', '127.0.0.2'] }],
  ['is for clients alone', { isForClients: true }],
  ['is of an authority that nobody knows', {}, new Authority('Nobody')],
])('sends no byte of a request to one whose certificate %s', async (_what, options, authority) => {
  expect(await outcomeWith(options, authority)).toMatchObject(REFUSED);
});

it('knows an authority of its own by its file, and no other then', async () => {
  const own = new Authority('Own authority');
  const { caFile } = filesOf({ caFile: own.cert });
  const mine = await scene(certificateOf(own), { caFile });
  expect(await mine.send()).toMatchObject(GOOD);
  const others = await scene(certificateOf(known), { caFile });
  expect(await others.send()).toMatchObject(REFUSED);
});

it('expects the name that is configured, whatever the address is', async () => {
  const certificate = certificateOf(known, { names: ['model.example'] });
  const named = await scene(certificate, { serverName: 'model.example' });
  expect(await named.send()).toMatchObject(GOOD);
  const other = await scene(certificate, { serverName: 'other.example' });
  expect(await other.send()).toMatchObject(REFUSED);
});

it('shows its certificate where the candidate asks for one', async () => {
  const clients = new Authority('Clients');
  const { cert, key } = clients.issue({ commonName: 'understudy', names: ['understudy'] });
  const asking = { requestCert: true, rejectUnauthorized: true, ca: clients.cert };
  const files = filesOf({ certFile: cert, keyFile: key });
  const shown = await scene({ ...certificateOf(known), ...asking }, files);
  expect(await shown.send()).toMatchObject(GOOD);
  const bare = await scene({ ...certificateOf(known), ...asking });
  expect(await bare.send()).toMatchObject({ kind: 'error' });
});

it('verifies nothing only where it is told so', async () => {
  const { send } = await scene(certificateOf(new Authority('Nobody')), { verify: false });
  expect(await send()).toMatchObject(GOOD);
});

it('takes up new files with the next connection, and keeps the last good ones', async () => {
  const [first, second] = [new Authority('First'), new Authority('Second')];
  const { caFile } = filesOf({ caFile: first.cert });
  const { server, send } = await scene(certificateOf(first), { caFile });
  expect(await send()).toMatchObject(GOOD);
  server.setSecureContext(certificateOf(second));
  expect(await send()).toMatchObject(REFUSED);
  writeFileSync(caFile, second.cert);
  await until('the new file is used', async () => (await send()).kind === 'answer');
  writeFileSync(caFile, 'no certificate');
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMITS.tlsFilePollMs));
  expect(await send()).toMatchObject(GOOD);
});

it('sends nothing while its files have never been usable, and heals with them', async () => {
  const own = new Authority('Own authority');
  const { caFile } = filesOf({ caFile: 'no certificate' });
  const { send } = await scene(certificateOf(own), { caFile });
  expect(await send()).toMatchObject(REFUSED);
  writeFileSync(caFile, own.cert);
  await until('the file is used', async () => (await send()).kind === 'answer');
});

it('expects the address that is configured as its name, and does not send it as one', async () => {
  const certificate = certificateOf(known, { names: ['10.1.2.3'] });
  const named = await scene(certificate, { serverName: '10.1.2.3' });
  const asked: unknown[] = [];
  named.server.on('secureConnection', ({ servername }: TLSSocket) => asked.push(servername));
  expect(await named.send()).toMatchObject(GOOD);
  expect(asked).toEqual([false]);
  const other = await scene(certificate, { serverName: '10.1.2.4' });
  expect(await other.send()).toMatchObject(REFUSED);
});
