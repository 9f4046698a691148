/** The one assertion that holds both ledgers exact, after every scenario. */
import { expect } from 'vitest';
import { type InstanceStatus, readInstance } from '../../src/admin/instance-status.ts';
import { buildWaterfall, type Waterfall } from '../../src/admin/waterfall.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';

export interface BooksOptions {
  /** How long the instance may take to come to rest. */
  readonly timeoutMs?: number;
  /** A gateway was killed: its undecided exchanges are shown, not balanced. Default false. */
  readonly allowUnclean?: boolean;
  /** The mirror is down, and stays down: only exchanges are looked at. Default false. */
  readonly withoutMirror?: boolean;
}

/**
 * Waits until the instance is at rest (nothing open, in flight, in transit or pending in the recorder, and
 * the same twice in a row), then asserts every sum exactly: Σ states = seen, and for each candidate
 * Σ states = offered.
 *
 * @param runDir - run folder of a running instance
 * @returns the waterfall, for what else a test wants to know
 */
export async function expectBooksToBalance(
  runDir: string,
  options: BooksOptions = {},
): Promise<Waterfall> {
  const { timeoutMs = 15_000, allowUnclean = false, withoutMirror = false } = options;
  const folder = runFolder(runDir);
  const end = performance.now() + timeoutMs;
  let before = '';
  let waterfall: Waterfall;
  let unrest: string[];
  do {
    const instance = await readInstance(folder);
    waterfall = buildWaterfall(instance.gateways, withoutMirror ? null : instance.mirror);
    unrest = unrestOf(instance, waterfall, withoutMirror);
    const now = JSON.stringify(waterfall);
    if (unrest.length === 0 && now === before) break;
    before = unrest.length === 0 ? now : '';
    await new Promise((resolve) => setTimeout(resolve, 150));
  } while (performance.now() < end);
  const told = `not at rest within ${timeoutMs} ms (${unrest.join(', ')}): ${JSON.stringify(waterfall)}`;
  expect(unrest, told).toEqual([]);
  expectExact(waterfall, allowUnclean);
  return waterfall;
}

function unrestOf(instance: InstanceStatus, w: Waterfall, withoutMirror: boolean): string[] {
  const { mirror, gateways } = instance;
  const counts: [string, number][] = [
    ['gateways that do not answer', gateways.length === 0 ? 1 : 0],
    ['exchanges open', w.exchanges.open],
    ['bytes queued on the wire', gateways.reduce((sum, { wire }) => sum + wire.queuedBytes, 0)],
  ];
  if (!withoutMirror) {
    counts.push(
      ['mirrors that do not answer', mirror === null ? 1 : 0],
      ['legs in flight', w.legsInFlight],
      ['legs open', w.candidates.reduce((sum, { open }) => sum + Math.abs(open), 0)],
      ['exchanges in transit', w.inTransit ?? 0],
      ['bytes pending in the recorder', mirror?.recorder.pendingBytes ?? 0],
    );
  }
  return counts.filter(([, n]) => n !== 0).map(([what, n]) => `${what}: ${n}`);
}

function expectExact(w: Waterfall, allowUnclean: boolean): void {
  const told = JSON.stringify(w, null, 1);
  expect(
    w.sums.filter(({ ok }) => !ok),
    told,
  ).toEqual([]);
  if (!allowUnclean) expect(w.uncleanEpochs, told).toEqual([]);
  const { seen, states, undecided } = w.exchanges;
  expect(total(states) + undecided, told).toBe(seen);
  const offered = states.find(({ state }) => state === 'offered')?.count ?? 0;
  for (const candidate of w.candidates) {
    expect(total(candidate.states), `${candidate.name}: ${told}`).toBe(candidate.offered);
    if (!allowUnclean) expect(candidate.offered, told).toBeLessThanOrEqual(offered);
  }
}

function total(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
