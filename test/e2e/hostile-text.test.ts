/**
 * text of callers, models and operators that is markup, terminal control, a forged line or a formula is
 * inert wherever it is shown: terminal, log, report, verdict, metrics, records.
 */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { spokenArtefacts, writtenArtefacts } from './artefacts.ts';
import { callOnce } from './call-once.ts';
import { type EchoBehaviour, EchoServer } from './echo-server.ts';
import { Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

const HOSTILE = [
  `"'><img src=x onerror=alert(1)><script>alert(1)</script>`,
  '\u001b[2J\u001b]0;owned\u0007\u009b31m',
  'a\r\n{"log.level":"error","message":"forged"}\n::error::forged\u2028forged',
  `=cmd|' /C calc'!A0`,
  '+1+cmd',
  '-2+3',
  '@SUM(1+1)',
  '[x](javascript:alert(1)) | `x` ![y](http://z) <b>',
  '\u202egnp.exe\u2066',
  '{{7*7}}%s%n$(id)',
];

const answers =
  (other: number): EchoBehaviour =>
  (number) => {
    const text = HOSTILE[(number + other) % HOSTILE.length] ?? '';
    const body = { score: other === 0 ? 0.25 : 0.75, label: text, model_version: text, [text]: 1 };
    return { status: 200, body: JSON.stringify(body) };
  };

const ROUTE = {
  name: 'score',
  path: '/v1/score',
  capture: ['/text'],
  join: '/text',
  compare: { structure: true },
};

const ANALYSIS = {
  ...{ profile: 'demo', cutMs: 1_000, windowMs: 10_000, settleMs: 1_000 },
  segments: HOSTILE.slice(0, 4).map((value, i) => ({ name: `s${i}`, pointer: '/text', value })),
  discover: ['/text'],
};

/** What a terminal or a reader of lines obeys, and line ends of ours are not. */
const DRIVES = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

async function setScene(): Promise<Instance> {
  const incumbent = closeWithTest(await EchoServer.start(answers(0)));
  const candidate = closeWithTest(await EchoServer.start(answers(1)));
  return Instance.start({
    incumbent: incumbent.address,
    candidates: [
      { name: 'cand', url: `http://${candidate.address}`, breaker: null, timeoutMs: 20_000 },
    ],
    sections: { routes: [ROUTE], analysis: ANALYSIS, log: { level: 'debug' } },
  });
}

async function offerAll(instance: Instance): Promise<void> {
  for (let number = 0; number < 4 * HOSTILE.length; number++) {
    const body = JSON.stringify({ text: HOSTILE[number % HOSTILE.length] });
    const head = [
      'POST /v1/score HTTP/1.1',
      'Host: h',
      `X-Number: ${number}`,
      'Connection: close',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    await callOnce(instance.port, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`));
  }
  // What is no HTTP, and an operator who is as hostile as anyone.
  await callOnce(
    instance.port,
    Buffer.from('GET /\u001b[2J HTTP/1.1\r\nX\u0007: y\r\n\r\n'),
    1,
  ).catch(() => undefined);
  for (const reason of HOSTILE) {
    await instance.cli('rate', 'set', '100%', '--reason', reason);
  }
}

function expectInertHtml(html: string): void {
  expect(html).not.toMatch(/<(img|script|b)\b/i);
  expect(html).not.toMatch(/<t[dh]>\s*[=+@]/);
  expect(html).not.toMatch(/<t[dh]>-(?!\d[\d,.]*( ?(%|ms|s|pp))?( to -?\d[\d,.]*)?<)/);
  expect(html).toContain("default-src 'none'");
  expect(html).toContain('&lt;img src=x onerror');
}

function expectInertMarkdown(text: string): void {
  expect(text).not.toMatch(/<(img|script|b)\b/i);
  expect(text).not.toMatch(/(?<!\\)\]\(javascript/);
  expect(text).not.toMatch(/^(\| )?.*\| [=@]/m);
  expect(text).not.toMatch(/^::error/m);
}

test('R-02: hostile text is inert in every output', async () => {
  const instance = await setScene();
  const told = async () => (await instance.cli('verdict')).stdout;
  await until('an attempt runs', async () => (await told()).includes('attempt 1 of 1'));
  await offerAll(instance);
  await expectBooksToBalance(instance.run.path);
  await until('analysed', async () => (await instance.admin()).analysis?.lag === 0, 60_000);
  await until('judged', async () => (await told()).includes('model_version_changed'), 60_000);
  const spoken = await spokenArtefacts(instance);
  const text = (name: string) => spoken.get(name)?.toString('utf8') ?? '';
  const driven = [...spoken].filter(([name, bytes]) => {
    return (
      !name.startsWith('environment') &&
      !name.startsWith('command line') &&
      !name.startsWith('file of') && // for programs, not for people
      DRIVES.test(bytes.toString('utf8'))
    );
  });
  expect(driven.map(([name]) => name)).toEqual([]);

  // It is really there: in records, and where people look.
  expect(text('understudy pairs --limit 1000')).toContain('onerror=alert(1)');
  expectInertHtml(text('understudy report --format html'));
  expectInertMarkdown(text('understudy report --format md'));
  expect(text('metrics')).not.toContain('alert');
  for (const name of ['understudy status', 'understudy verdict', 'understudy audit']) {
    expect(text(name)).not.toMatch(/^(::error|\{"log)/m);
  }
  for (const line of text('understudy pairs --limit 1000').trim().split('\n')) {
    expect(JSON.parse(line)).toMatchObject({ schema: 'understudy.pair/1' });
  }
  // Each line of the log is one object that the process itself wrote.
  const lines = instance.logs().trim().split('\n');
  for (const line of lines.filter((each) => !each.startsWith('understudy '))) {
    expect(JSON.parse(line)).not.toMatchObject({ message: 'forged' });
  }
  expect(DRIVES.test(instance.logs())).toBe(false);
  const texts = [...writtenArtefacts(instance)].filter(([name, bytes]) => {
    // Databases are read through commands; the configuration is the operator's own text.
    return !bytes.includes(0) && !name.endsWith('understudy.yaml');
  });
  for (const [name, bytes] of texts) expect(DRIVES.test(bytes.toString('utf8')), name).toBe(false);
  const shown = process.env.UNDERSTUDY_SHOW_REPORT;
  if (shown !== undefined) {
    writeFileSync(shown, text('understudy report --format html'), { mode: 0o600 });
  }
}, 600_000);
