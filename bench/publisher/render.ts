/** The tables of what was measured. */
import type { BacklogResult } from './backlog.ts';
import { type Cost, cpuMicros } from './cost.ts';
import type { DriverCost } from './driver-cost.ts';
import type { JournalCost } from './journal-cost.ts';
import type { WholeResult } from './whole.ts';

const NAME_WIDTH = 34;

function costLine(name: string, cost: Cost): string {
  const micros = cpuMicros(cost).toFixed(1).padStart(8);
  const perCore = thousands(cost.pairs / cost.cpuSeconds).padStart(9);
  const rate = thousands(cost.pairs / cost.seconds).padStart(9);
  return `${name.padEnd(NAME_WIDTH)} ${micros}  ${perCore}  ${rate}`;
}

function heading(title: string): string {
  return `${title.padEnd(NAME_WIDTH)}   µs CPU  a core-s   pairs/s`;
}

export function journalTable(costs: readonly JournalCost[]): string {
  const rows = costs.map(({ policy, batch, cost }) =>
    costLine(`${policy}, ${batch} a transaction`, cost),
  );
  return [heading('journal alone'), ...rows].join('\n');
}

export function driverTable(costs: readonly DriverCost[]): string {
  const rows = costs.map(({ name, cost }) => costLine(name, cost));
  return [heading('driver alone'), ...rows].join('\n');
}

export function wholeTable(
  results: readonly { readonly name: string; readonly result: WholeResult }[],
): string {
  const rows = results.map(({ name, result }) => costLine(name, result.cost));
  const idle = results.map(({ result }) => (result.idle.cpuSeconds / result.idle.seconds) * 100);
  const most = Math.max(...idle).toFixed(2);
  return [
    heading('journaled and published, one core'),
    ...rows,
    `idle, connected: ${most} % of a core at most`,
  ].join('\n');
}

export function backlogTable({ backlog, seconds, published, waits }: BacklogResult): string {
  const rows = waits.map(({ phase, copies, p50Ms, p99Ms, mirrorCores }) => {
    const counts = [thousands(copies), p50Ms.toFixed(2), p99Ms.toFixed(2), mirrorCores.toFixed(2)];
    return `${phase.padEnd(NAME_WIDTH)} ${counts.map((text) => text.padStart(9)).join(' ')}`;
  });
  const p99Of = (phase: string): number =>
    waits.find((one) => one.phase === phase)?.p99Ms ?? Number.NaN;
  const ratio = (phase: string): string => (p99Of('drain') / p99Of(phase)).toFixed(2);
  return [
    `backlog of ${thousands(backlog)}: made up for in ${seconds.toFixed(1)} s, ` +
      `${thousands(published / seconds)} pairs/s published, live ones included`,
    `${'copies waiting for their dispatch'.padEnd(NAME_WIDTH)}    copies    p50 ms    p99 ms mirror cores`,
    ...rows,
    `p99 while it drains: ${ratio('outage')} x outage, ${ratio('normal')} x normal`,
  ].join('\n');
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
