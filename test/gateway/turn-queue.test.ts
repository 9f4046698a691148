import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { TurnQueue, type TurnReader } from '../../src/gateway/turn-queue.ts';
import { monotonicMs } from '../../src/telemetry/clock.ts';

let told: string[] = [];
beforeEach(() => {
  told = [];
});

function reader(name: string): TurnReader {
  const tell = (what: string) => (bytes: Buffer, fromCaller: boolean) => {
    told.push(`${what} ${name}${fromCaller ? '>' : '<'}${bytes}`);
  };
  return { pass: tell('pass'), look: tell('look'), passInLine: tell('in line') };
}

test('all that was read in a turn goes on before any of it is looked at, in the order of the reads', async () => {
  const queue = new TurnQueue();
  const [a, b] = [reader('a'), reader('b')];
  queue.add(a, Buffer.from('1'), true);
  queue.add(b, Buffer.from('2'), true);
  queue.add(a, Buffer.from('3'), false);
  expect(told).toEqual([]);
  await turn();
  const reads = ['a>1', 'b>2', 'a<3'];
  expect(told).toEqual([...reads.map((r) => `pass ${r}`), ...reads.map((r) => `look ${r}`)]);
});

test('in line each read is done with before the next', async () => {
  const queue = new TurnQueue();
  queue.inLine = true;
  queue.add(reader('a'), Buffer.from('1'), true);
  queue.add(reader('a'), Buffer.from('2'), false);
  await turn();
  expect(told).toEqual(['in line a>1', 'in line a<2']);
});

test('a flush leaves nothing for the end of the turn, and what comes after it goes on then', async () => {
  const queue = new TurnQueue();
  queue.add(reader('a'), Buffer.from('1'), true);
  queue.flush();
  expect(told).toEqual(['pass a>1', 'look a>1']);
  queue.add(reader('a'), Buffer.from('2'), true);
  expect(told).toHaveLength(2);
  await turn();
  expect(told.slice(2)).toEqual(['pass a>2', 'look a>2']);
});

test('a large read goes on at once, and what was read before it goes first', () => {
  const queue = new TurnQueue();
  queue.add(reader('a'), Buffer.from('1'), true);
  queue.add(reader('b'), Buffer.alloc(LIMITS.turnReadBytes), true);
  expect(told.map((line) => line.slice(0, 7))).toEqual([
    'pass a>',
    'pass b>',
    'look a>',
    'look b>',
  ]);
});

test('no more than so many reads wait', () => {
  const queue = new TurnQueue();
  for (let i = 0; i < LIMITS.turnReads; i += 1) queue.add(reader('a'), Buffer.from('x'), true);
  expect(told).toHaveLength(2 * LIMITS.turnReads);
});

test('a flush out of a pass goes on with the next read, and nothing goes on twice', async () => {
  const queue = new TurnQueue();
  const first: TurnReader = {
    ...reader('a'),
    pass: () => {
      told.push('pass a');
      queue.flush();
    },
  };
  queue.add(first, Buffer.from('1'), true);
  queue.add(reader('b'), Buffer.from('2'), true);
  await turn();
  expect(told).toEqual(['pass a', 'pass b>2', 'look a>1', 'look b>2']);
});

test('all reads of a turn have the time of its first one', async () => {
  const queue = new TurnQueue();
  const times: number[] = [];
  const timed = {
    ...reader('a'),
    pass: (_b: Buffer, _f: boolean, nowMs: number) => times.push(nowMs),
  };
  for (let i = 0; i < 3; i += 1) queue.add(timed, Buffer.from('x'), true);
  await turn();
  expect(new Set(times).size).toBe(1);
});

test('small reads of one side in a row go on when they add up to a large one', () => {
  const queue = new TurnQueue();
  const tls = reader('a');
  const record = Buffer.alloc(LIMITS.turnReadBytes / 4);
  queue.add(tls, record, true);
  queue.add(reader('b'), record, true);
  for (let i = 0; i < 3; i += 1) queue.add(tls, record, true);
  expect(told).toEqual([]);
  queue.add(tls, record, true);
  expect(told).toHaveLength(12);
});

test('a request is stamped when writing begins, an answer when it was read', async () => {
  const stamps: number[] = [];
  const stamp: TurnReader['look'] = (_bytes, _fromCaller, nowMs) => stamps.push(nowMs);
  const queue = new TurnQueue();
  const one: TurnReader = { pass: () => undefined, look: stamp, passInLine: stamp };
  queue.add(one, Buffer.from('answer'), false);
  queue.add(one, Buffer.from('request'), true);
  const laterMs = monotonicMs() + 2;
  while (monotonicMs() < laterMs) Math.random();
  await turn();
  const [answerMs = 0, requestMs = 0] = stamps;
  expect(answerMs).toBeLessThan(laterMs - 1);
  expect(requestMs).toBeGreaterThanOrEqual(laterMs);
});
