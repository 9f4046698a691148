import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BookMemory } from '../../src/admin/book-memory.ts';
import { METRICS } from '../../src/admin/metric-table.ts';
import { renderMetrics } from '../../src/admin/metrics.ts';
import type { AnalysisStatus } from '../../src/analysis/analysis-messages.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import { LEG_REASONS } from '../../src/pair/leg-states.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import type { GatewayStatus } from '../../src/wire/gateway-status.ts';
import { type Family, parseExposition } from './exposition.ts';
import { candidateStatus, epochLedger, gatewayStatus, mirrorStatus } from './statuses.ts';

const leg = (epoch: string) => ({
  epoch,
  candidate: 'v7',
  route: 'score',
  hour: 1,
  sizeClass: 'le_1k',
});

function seen(n: number): ExchangeLedger {
  const ledger = new ExchangeLedger(48);
  for (let i = 0; i < n; i++) {
    ledger.see('score', i % 3); // several hours: they add up to one series
    ledger.settle({
      route: 'score',
      hour: i % 3,
      sizeClass: i % 2 ? 'le_1k' : 'le_16k',
      state: i % 4 ? 'offered' : 'shed',
      reason: i % 4 ? '' : 'wire_full',
    });
  }
  return ledger;
}

function paired(epoch: string, n: number, legs = new LegLedger()): LegLedger {
  for (let i = 0; i < n; i++) {
    legs.open(leg(epoch));
    legs.settle(leg(epoch), 'paired', '');
  }
  return legs;
}

const ANALYSIS = {
  error: '',
  message: '',
  lag: 4,
  missed: 0,
  verdicts: [
    {
      ...{ experiment: 'default', candidate: 'v7', verdict: 'CONTINUE', attempt: 2, attempts: 2 },
      ...{ hash: 'aa', profile: 'production', startedAt: '', startedBy: '', reason: '' },
      ...{ closedAt: '', cut: '', pairs: 90, standing: null, firstPassAt: '', withdrawnAt: '' },
      ...{ firstFailAt: '', gates: [], evidence: [], drivers: [] },
      ...{ pairsPerHour: 0, decisionInMs: null, preset: '', headline: null },
      outcomes: { mature: 80, known: 60, positives: 9, leastCoverage: 0.5, threshold: null },
    },
  ],
} as const satisfies AnalysisStatus;

async function scrape(
  gateways: readonly GatewayStatus[],
  mirror: MirrorStatus | null,
  memory = new BookMemory(),
): Promise<Map<string, Family>> {
  memory.hear(gateways, mirror);
  const supervisor = {
    process: 'supervisor',
    name: 'supervisor-all',
    pid: 9,
    version: '0.1.0',
    children: [
      { name: 'gw0', restarts: 3 },
      { name: 'mirror', restarts: 0 },
    ],
    reload: { done: 5, failed: 2, lastOk: false },
  };
  const processes = [...gateways, ...(mirror === null ? [] : [mirror]), supervisor];
  const status = { gateways, mirror, processes };
  const expected = ['gw0', 'gw1', 'mirror', 'admin'];
  return parseExposition(
    await renderMetrics({ status, memory, expected, analysis: ANALYSIS, adminLogLinesDropped: 1 }),
  );
}

/** Value of a series; labels as written, in alphabetical order. */
function value(families: Map<string, Family>, name: string, labels = ''): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.get(`${name}{${labels}}`);
}

describe('renderMetrics', () => {
  it('is valid text format, and has every metric of the table with its type, help and labels', async () => {
    const families = await scrape(
      [gatewayStatus('e1', seen(12))],
      mirrorStatus(paired('e1', 9), [epochLedger('e1', seen(12))]),
    );
    expect([...families.keys()].sort()).toEqual(Object.keys(METRICS).sort());
    for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
      const family = families.get(name);
      expect([family?.type, family?.help]).toEqual([type, help]);
      for (const key of family?.samples.keys() ?? []) {
        const names = [...key.matchAll(/[{,](\w+)="/g)].map((m) => m[1]).filter((n) => n !== 'le');
        expect(names, key).toEqual([...labels].sort());
      }
    }
  });

  it('sums hours and size classes, shows both latencies, and who is down', async () => {
    const families = await scrape(
      [gatewayStatus('e1', seen(12))],
      mirrorStatus(paired('e1', 9), [epochLedger('e1', seen(12))]),
    );
    const of = (name: string, labels?: string) => value(families, name, labels);
    expect(of('understudy_exchanges_seen_total', 'route="score"')).toBe(12);
    const shed = 'reason="wire_full",route="score",state="shed"';
    expect(of('understudy_exchanges_total', shed)).toBe(3);
    const pair = 'candidate="v7",reason="",route="score",state="paired"';
    expect(of('understudy_legs_total', pair)).toBe(9);
    for (const side of ['incumbent', 'candidate']) {
      const name = `understudy_${side}_latency_seconds`;
      expect(of(`${name}_bucket`, 'candidate="v7",le="0.01"')).toBe(3);
      expect(of(`${name}_bucket`, 'candidate="v7",le="+Inf"')).toBe(4);
    }
    expect(of('understudy_process_up', 'process="gw0"')).toBe(1);
    expect(of('understudy_process_up', 'process="gw1"')).toBe(0);
    expect(of('understudy_process_restarts_total', 'process="gw0"')).toBe(3);
    expect(of('understudy_kafka_lag_pairs')).toBe(2);
    expect(of('understudy_opaque_connections_total', 'process="gw0",reason="garbage"')).toBe(1);
    expect(of('understudy_refused_requests_total', 'process="gw0",reason="host"')).toBe(3);
    expect(of('understudy_settings_version', 'process="gw0"')).toBe(3);
  });

  it('never goes back when a gateway is restarted, killed, or the mirror is', async () => {
    const memory = new BookMemory();
    const last = new Map<string, number>();
    const check = async (gateways: readonly GatewayStatus[], mirror: MirrorStatus | null) => {
      const families = await scrape(gateways, mirror, memory);
      const now = new Map<string, number>();
      for (const name of ['understudy_exchanges_seen_total', 'understudy_exchanges_total']) {
        for (const [key, count] of families.get(name)?.samples ?? []) now.set(key, count);
      }
      for (const [key, count] of families.get('understudy_legs_total')?.samples ?? []) {
        now.set(key, count);
      }
      for (const [key, count] of last) {
        expect(now.get(key) ?? Number.NaN, key).toBeGreaterThanOrEqual(count);
      }
      for (const [key, count] of now) last.set(key, count);
      return now.get('understudy_exchanges_seen_total{route="score"}');
    };
    const alive = [epochLedger('old', seen(98))];
    // The gateway is ahead of what the mirror has heard, then killed.
    expect(
      await check([gatewayStatus('old', seen(100))], mirrorStatus(paired('old', 70), alive)),
    ).toBe(100);
    const dead = [epochLedger('old', seen(98), { state: 'unclean' })];
    expect(await check([], mirrorStatus(paired('old', 73), dead))).toBe(100);
    // Its successor starts from zero, first unknown to the mirror.
    expect(
      await check([gatewayStatus('new', seen(5))], mirrorStatus(paired('old', 73), dead)),
    ).toBe(105);
    // The mirror is killed, and comes back with what was on disk.
    expect(await check([gatewayStatus('new', seen(8))], null)).toBe(108);
    const back = mirrorStatus(paired('old', 71), [...dead, epochLedger('new', seen(8))]);
    expect(await check([gatewayStatus('new', seen(9))], back)).toBe(109);
  });

  it('says nothing of exchanges and legs before the mirror has answered: ended epochs are unknown', async () => {
    const families = await scrape([gatewayStatus('e1', seen(12))], null);
    expect(families.has('understudy_exchanges_total')).toBe(false);
    expect(families.has('understudy_exchanges_seen_total')).toBe(false);
    expect(value(families, 'understudy_process_up', 'process="mirror"')).toBe(0);
  });

  it('starts legs again after a journal was quarantined', async () => {
    const memory = new BookMemory();
    const before = mirrorStatus(paired('e1', 9), [epochLedger('e1', seen(12))]);
    await scrape([], before, memory);
    const recorder = { ...before.recorder, quarantined: 1 };
    const after = mirrorStatus(paired('e1', 5), [epochLedger('e1', seen(12))], { recorder });
    const families = await scrape([], after, memory);
    const labels = 'candidate="v7",reason="",route="score",state="paired"';
    expect(value(families, 'understudy_legs_total', labels)).toBe(5);
  });

  it('keeps its legs while a mirror cannot read its journal, and does not count them anew after', async () => {
    const memory = new BookMemory();
    const paths = 'candidate="v7",reason="",route="score",state="paired"';
    const failing = { ...mirrorStatus(new LegLedger(), []).recorder, state: 'failing' } as const;
    const counts: (number | undefined)[] = [];
    for (const mirror of [
      mirrorStatus(paired('e1', 100), []),
      mirrorStatus(paired('e1', 2), [], { recorder: failing }),
      mirrorStatus(paired('e1', 102), []),
    ]) {
      const families = await scrape([], mirror, memory);
      counts.push(value(families, 'understudy_legs_total', paths));
    }
    expect(counts).toEqual([100, 100, 102]);
  });

  it('R-02: escapes what a label holds', async () => {
    const candidates = [candidateStatus('v7"\\\n} 1', ['score'])];
    const mirror = mirrorStatus(new LegLedger(), [], { candidates });
    const families = await scrape([], mirror);
    const samples = families.get('understudy_candidate_queued')?.samples;
    expect([...(samples?.keys() ?? [])]).toEqual([
      'understudy_candidate_queued{candidate="v7\\"\\\\\\n} 1"}',
    ]);
  });
});

describe('docs/operations.md', () => {
  it('says of every counter what it means and what to do', () => {
    const text = readFileSync('docs/operations.md', 'utf8');
    const counters = Object.entries(METRICS).filter(([, { type }]) => type === 'counter');
    const untold = counters.map(([name]) => name).filter((name) => !text.includes(name));
    expect(untold).toEqual([]);
  });

  it('says of every state and reason of a lost or failed copy what to do', () => {
    const text = readFileSync('docs/operations.md', 'utf8');
    const needed = ['undecodable', 'shed', 'candidate_error'] as const;
    for (const state of needed) {
      const untold = LEG_REASONS[state].filter((reason) => !text.includes(`(${reason})`));
      expect(untold, state).toEqual([]);
    }
    for (const state of ['breaker_open', 'candidate_timeout', 'journal_dropped', 'lost_in_crash']) {
      expect(text).toContain(`| \`${state}`);
    }
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric with its type, labels and meaning, and no other', () => {
    const rows = readFileSync('docs/metrics.md', 'utf8')
      .split('\n')
      .map((line) => /^\| `(understudy_\w+)` \| (\w+) \| (.*?) \| (.*) \|$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name, type, labels, help]) => [name, { type, labels, help }]);
    const table = Object.entries(METRICS).map(([name, { type, labels, help }]) => [
      name,
      { type, labels: labels.map((label) => `\`${label}\``).join(', ') || '–', help },
    ]);
    expect(rows).toEqual(table);
  });

  it('has names in the form that all of them share', () => {
    for (const [name, { type }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^understudy(_[a-z]+)+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
    }
  });
});
