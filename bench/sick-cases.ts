/** The isolation cases M-01 to M-15 as the `sick` suite measures them: what is wrong with the candidate. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Authority, writeCertificate } from '../test/support/certificates.ts';
import type { Sickness } from '../test/support/sick-candidate.ts';

/** What a case's candidate needs. */
export interface SickSetting {
  /** Where its process listens, if it has one. */
  readonly port: number;
  readonly folder: string;
}

export interface SickCase {
  /** `M-03` */
  readonly number: string;
  readonly title: string;
  /** Of the candidate's process; `null`: it has none. */
  readonly sickness: Sickness | null;
  /** Certificate and key of its process. */
  readonly tls?: (folder: string) => { readonly certFile: string; readonly keyFile: string };
  /** Keys of its section, one a line. */
  readonly section: (setting: SickSetting) => readonly string[];
  /** What happens to it in the middle of the load; `model`: the model's process. */
  readonly harm?: { readonly who: 'candidate' | 'model'; readonly how: (pid: number) => void };
  /** Requests a second and bytes of each, where they are not those of the suite. */
  readonly pace?: { readonly rate: number; readonly bodyBytes: number };
}

const TINY = fileURLToPath(new URL('../test/model/fixtures/tiny.onnx', import.meta.url));
const TIMEOUT_MS = 1_000;

const http = ({ port }: SickSetting, timeoutMs = TIMEOUT_MS): readonly string[] => [
  `url: http://127.0.0.1:${port}`,
  `timeoutMs: ${timeoutMs}`,
];

const onnx = (): readonly string[] => [
  'kind: onnx',
  `model: ${TINY}`,
  'modelVersion: tiny-1',
  'inputs: [{ name: amount, pointer: /amount, type: float32 }, { name: grade, pointer: /country, type: string }]',
  'output: probabilities',
  'scoreColumn: 1',
  'labels: [good, bad]',
];

/** With a certificate that its authority has issued for `names`, until `notAfter`. */
function secured(title: string, names: readonly string[], notAfter?: Date): SickCase {
  const authority = new Authority();
  const issued = authority.issue({
    commonName: 'candidate',
    names,
    ...(notAfter === undefined ? {} : { notAfter }),
  });
  return {
    number: 'M-13',
    title,
    sickness: 'answers',
    tls: (folder) => {
      writeFileSync(join(folder, 'ca.pem'), authority.cert);
      return writeCertificate(folder, 'candidate', issued);
    },
    section: ({ port }) => [`url: https://127.0.0.1:${port}`, `timeoutMs: ${TIMEOUT_MS}`],
  };
}

const sick = (number: string, title: string, sickness: Sickness | null): SickCase => ({
  number,
  title,
  sickness,
  section: http,
});

const YESTERDAY = new Date(Date.now() - 43_200_000);

export function sickCases(): readonly SickCase[] {
  return [
    sick('M-01', 'refuses', null),
    sick('M-02', 'resets before its head', 'resets'),
    sick('M-02', 'resets after its head', 'resets-after-head'),
    sick('M-02', 'resets in its body', 'resets-in-body'),
    {
      ...sick('M-03', 'never reads uploads of 1 MB', 'zero-window'),
      pace: { rate: 40, bodyBytes: 1_000_000 },
    },
    sick('M-04', 'never answers', 'hangs'),
    { ...sick('M-05', 'answers after 2 s', 'slow'), section: (setting) => http(setting, 5_000) },
    sick('M-06', 'sends a byte a second', 'drips'),
    sick('M-07', 'answers 500', 'answers-500'),
    sick('M-08', 'speaks another protocol', 'garbage'),
    sick('M-09', 'sends headers without end', 'endless-head'),
    sick('M-10', 'answers with a gibibyte', 'gibibyte-body'),
    sick('M-11', 'redirects to another host', 'redirects'),
    {
      ...sick('M-12', 'does not resolve', null),
      section: ({ port }) => [`url: http://candidate.invalid:${port}`, `timeoutMs: ${TIMEOUT_MS}`],
    },
    secured('certificate has expired', ['127.0.0.1'], YESTERDAY),
    secured('certificate of another name', ['elsewhere.example']),
    {
      ...sick('M-14', 'is killed, and comes back', 'answers'),
      harm: { who: 'candidate', how: (pid) => void process.kill(pid, 'SIGKILL') },
    },
    {
      ...sick('M-15', 'model process segfaults', null),
      section: onnx,
      harm: { who: 'model', how: (pid) => void process.kill(pid, 'SIGSEGV') },
    },
    {
      ...sick('M-15', 'model process without memory', null),
      section: onnx,
      // Large copies need memory; small ones may live on what it has.
      pace: { rate: 60, bodyBytes: 500_000 },
      harm: {
        who: 'model',
        how: (pid) => void spawnSync('prlimit', ['--pid', String(pid), '--data=1', '--as=1']),
      },
    },
  ];
}
