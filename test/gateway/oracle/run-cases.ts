/**
 * Runs cases over real sockets, each in its ways: alone and as the second of three, whole, cut at random
 * and in one-byte segments, with `ambiguous: relay` and `reject`.
 *
 * `ORACLE=full` (`npm run oracle`) runs all of them for each case; otherwise one-byte segments are left to
 * every fourth case, and random cuts to every second.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removableFolder } from '../../support/temp-folder.ts';
import type { OracleCase } from './case.ts';
import { judge, type Way } from './judge.ts';
import { Lane } from './lane.ts';

const FULL = process.env.ORACLE === 'full';
/** Cuts of a case depend on it and on the case alone. */
const SEED = Number(process.env.ORACLE_SEED ?? 1);
const TEST_MS = FULL ? 300_000 : 30_000;
const WHOLE = [1e9];
/** Long messages are cut into single bytes where they begin; then in pieces of any size. */
const ONE_BYTE_LIMIT = 1_500;

export function runCases(cases: readonly OracleCase[]): void {
  const lanes: { readonly relay: Lane[]; readonly reject: Lane[] } = { relay: [], reject: [] };
  const folders: ReturnType<typeof removableFolder>[] = [];

  beforeAll(async () => {
    for (const mode of ['relay', 'reject'] as const) {
      for (let i = 0; i < 4; i++) {
        const folder = removableFolder();
        folders.push(folder);
        lanes[mode].push(await new Lane().start(folder.path, mode));
      }
    }
  });
  afterAll(async () => {
    await Promise.all([...lanes.relay, ...lanes.reject].map((lane) => lane.stop()));
    for (const folder of folders) folder.remove();
  });

  it('has no two cases alike', () => {
    const inputs = cases.map(({ request, answer, interim }) => `${request}|${answer}|${interim}`);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect(
      cases.map(({ id }) => id).filter((_, i) => inputs.indexOf(inputs[i] ?? '') !== i),
    ).toEqual([]);
  });

  it.each(cases.map((test, index) => ({ ...test, index })))(
    '$id',
    async ({ index, ...test }) => {
      const ways = waysOf(test, index);
      const failures: unknown[] = [];
      const runLane = async (mode: Way['mode'], at: number): Promise<void> => {
        const lane = lanes[mode][at] as Lane;
        for (const [n, way] of ways.entries()) {
          if (n % 4 !== at) continue;
          await judge(test, { ...way, lane, mode }).catch((error: unknown) => {
            failures.push(new Error(`${mode}, ${way.position}, cut ${way.cut}`, { cause: error }));
          });
        }
      };
      const runs = [0, 1, 2, 3].flatMap((at) => [runLane('relay', at), runLane('reject', at)]);
      await Promise.all(runs);
      if (failures.length > 0) throw failures[0];
    },
    TEST_MS,
  );
}

function waysOf(test: OracleCase, index: number): Pick<Way, 'position' | 'cut'>[] {
  const bytes = test.request.length + (test.answer?.length ?? 0);
  const isShort = bytes <= ONE_BYTE_LIMIT;
  const random = randomCut(`${SEED} ${test.id}`, isShort ? 60 : 20_000);
  const single = isShort ? [1] : [...Array(200).fill(1), ...random];
  const cuts = [WHOLE];
  if (FULL || index % 2 === 0) cuts.push(random);
  if (FULL || index % 4 === 1) cuts.push(single);
  return cuts.flatMap((cut) => [
    { position: 'alone' as const, cut },
    { position: 'second' as const, cut },
  ]);
}

/** Sizes from 1 to `max`, small ones more often; the same for the same text. */
function randomCut(text: string, max: number): number[] {
  let state = 2_166_136_261;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 16_777_619);
  return Array.from({ length: 12 }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    const unit = (state >>> 0) / 2 ** 32;
    return 1 + Math.floor(unit * unit * max);
  });
}
