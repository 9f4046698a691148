/** Plays one case in one way and compares what was recorded with what was expected. */
import { expect } from 'vitest';
import { parseAnswer, parseRequest } from '../../../src/framing/message.ts';
import { authoredAnswer } from '../../../src/gateway/authored-answer.ts';
import type { ExchangeFrame } from '../../../src/wire/messages.ts';
import { readStrictly, type StrictMessage } from '../../support/strict-parser.ts';
import { GET, OK, type OracleCase, plainAnswer } from './case.ts';
import type { Lane, Play, Recording } from './lane.ts';

export interface Way {
  readonly lane: Lane;
  readonly mode: 'relay' | 'reject';
  /** Alone, or as the second of three on its connection. */
  readonly position: 'alone' | 'second';
  readonly cut: readonly number[];
}

/** A case in its position. */
interface Scene {
  readonly stream: Buffer;
  /** Whole and clear requests in `stream`, and the bytes they take (an empty line before them included). */
  readonly clear: readonly Buffer[];
  readonly clearBytes: number;
  /** Sent before the withheld bytes come; then the rest of the answers. */
  readonly interim: Buffer;
  readonly answers: Buffer;
  /** Final answers, one a clear request. */
  readonly finals: readonly Buffer[];
  /** Of the clear requests, those that are mirrored. */
  readonly mirrored: readonly number[];
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

export async function judge(test: OracleCase, way: Way): Promise<void> {
  const scene = sceneOf(test, way.position);
  const recording = await way.lane.play(playOf(test, scene, way));
  if (way.mode === 'relay' || test.doubt === '') expectUnchanged(test, scene, recording);
  else expectRefused(scene, recording);
  expectMirrored(test, scene, recording, way.mode);
  expectCounted(test, recording, way.mode);
}

function sceneOf(test: OracleCase, position: Way['position']): Scene {
  const isSecond = position === 'second';
  const hasThird = isSecond && test.last !== true && test.ends !== true && test.cut !== true;
  const stream = latin1((isSecond ? GET : '') + test.request + (hasThird ? GET : ''));
  const own = clearOf(test);
  const ownAnswers = own.map((raw) => answerOf(test, raw));
  const clear = [...(isSecond ? [latin1(GET)] : []), ...own];
  const finals = [...(isSecond ? [latin1(OK)] : []), ...ownAnswers.map((answer) => answer.final)];
  const first = latin1(isSecond ? OK : '');
  const interim = latin1(test.interim ?? '');
  const answers = [interim.length === 0 ? first : latin1(''), ...ownAnswers.map((a) => a.all)];
  const isWhole = test.answerDoubt === undefined || test.surplusBytes !== undefined;
  const isMirrored = test.state === undefined && isWhole;
  const mirrored = clear.flatMap((_, at) => (isMirrored || (isSecond && at === 0) ? [at] : []));
  if (hasThird && test.doubt === '') {
    clear.push(latin1(GET));
    finals.push(latin1(OK));
    answers.push(latin1(OK));
    if (test.answerDoubt === undefined) mirrored.push(clear.length - 1);
  }
  const before = isSecond ? GET.length : 0;
  const clearBytes =
    test.doubt === '' && test.cut !== true ? stream.length : before + clearBytesOf(test, own);
  return {
    stream,
    clear,
    clearBytes,
    interim: interim.length === 0 ? interim : Buffer.concat([first, interim]),
    answers: Buffer.concat(answers),
    finals,
    mirrored,
  };
}

/** The clear requests of the case itself. More than one: as the independent parser cuts them. */
function clearOf(test: OracleCase): Buffer[] {
  const bytes = latin1(test.request);
  if (test.clear === 0) return [];
  if (test.clear === 1 && test.doubt === '' && test.cut !== true) {
    return [test.request.startsWith('\r\n') ? bytes.subarray(2) : bytes];
  }
  const { messages } = readStrictly(bytes);
  expect(messages.length, 'the independent parser reads as many').toBeGreaterThanOrEqual(
    test.clear,
  );
  return messages.slice(0, test.clear).map(({ from, to }) => bytes.subarray(from, to));
}

function clearBytesOf(test: OracleCase, own: readonly Buffer[]): number {
  const last = own.at(-1);
  return last === undefined ? 0 : latin1(test.request).indexOf(last) + last.length;
}

function answerOf(test: OracleCase, raw: Buffer): { readonly all: Buffer; readonly final: Buffer } {
  const all = latin1(test.answer ?? plainAnswer(raw.toString('latin1')));
  const end = all.length - (test.surplusBytes ?? 0);
  return { all, final: all.subarray(test.interimBytes ?? 0, end) };
}

function playOf(test: OracleCase, scene: Scene, way: Way): Play {
  const isRefused = way.mode === 'reject' && test.doubt !== '';
  // A head that is cut is held.
  const isPartial = way.mode === 'reject' && test.cut === true && test.interim === undefined;
  const originGets = isRefused || isPartial ? scene.clearBytes : scene.stream.length;
  return {
    stream: scene.stream,
    cut: way.cut,
    hold: test.hold ?? 0,
    interim: scene.interim,
    callerEnds: test.cut === true,
    answers: scene.answers,
    answersAfter: originGets,
    answersEnd: test.ends === true || test.cut === true,
    // Where it is refused, the gateway ends the connection.
    callerGets: isRefused ? Number.POSITIVE_INFINITY : scene.answers.length + scene.interim.length,
    originGets,
  };
}

/** I1: both directions, to the byte; where a head is cut, `reject` holds it. */
function expectUnchanged(test: OracleCase, scene: Scene, recording: Recording): void {
  const { callerGot, originGot, ended } = recording;
  const answers = Buffer.concat([scene.interim, scene.answers]);
  expectBytes(callerGot, answers, 'the caller has the bytes of the incumbent');
  if (test.cut === true && originGot.length < scene.stream.length) {
    expectBytes(originGot, scene.stream.subarray(0, originGot.length), 'a beginning of them');
    expect(originGot.length).toBeGreaterThanOrEqual(scene.clearBytes);
  } else {
    expectBytes(originGot, scene.stream, 'the incumbent has the bytes of the caller');
  }
  expect(ended).toBe('end');
}

/** I10: what is clear is answered; of the rest the incumbent has no request, and the caller is told. */
function expectRefused(scene: Scene, recording: Recording): void {
  const { callerGot, originGot, ended } = recording;
  const { stream, clear, clearBytes, answers } = scene;
  const isHead = stream.subarray(clearBytes).toString('latin1').trimStart().startsWith('HEAD ');
  const refusal = authoredAnswer('UND_REQUEST_AMBIGUOUS', isHead ? 'HEAD' : '');
  expectBytes(callerGot, Buffer.concat([answers, refusal]), 'the answers owed, then 400');
  expect(ended).toBe('end');
  expectBytes(originGot, stream.subarray(0, originGot.length), 'a beginning of the stream');
  expect(originGot.length).toBeGreaterThanOrEqual(clearBytes);
  expect(readStrictly(originGot).messages.length, 'whole requests').toBeLessThanOrEqual(
    clear.length,
  );
}

function expectMirrored(
  test: OracleCase,
  scene: Scene,
  recording: Recording,
  mode: Way['mode'],
): void {
  const { frames } = recording;
  const wanted = scene.mirrored.map((index) => ({
    request: scene.clear[index] ?? Buffer.alloc(0),
    answer: scene.finals[index] ?? Buffer.alloc(0),
  }));
  const opaque = mode === 'relay' && test.doubt !== '';
  // What is opaque takes along what was open on it: then nothing is right, too.
  if (!opaque) expect(frames).toHaveLength(wanted.length);
  for (const [index, frame] of frames.entries()) {
    expectBytes(frame.request, wanted[index]?.request, `request ${index} of the mirror`);
    expectBytes(frame.answer, wanted[index]?.answer, `answer ${index} of the mirror`);
  }
  if (test.node === undefined) expectSameReading(scene, frames);
}

/** What the mirror makes of its copies equals what an independent strict parser makes of the whole stream. */
function expectSameReading(scene: Scene, frames: readonly ExchangeFrame[]): void {
  const { messages } = readStrictly(scene.stream);
  const methods = messages.map(({ method }) => method);
  const all = Buffer.concat([scene.interim, scene.answers]);
  const answers = readStrictly(all, { answers: methods, ends: true });
  const finals = answers.messages.filter(({ status }) => status >= 200);
  let at = 0;
  for (const frame of frames) {
    const same = (m: StrictMessage) => scene.stream.subarray(m.from, m.to).equals(frame.request);
    while (at < messages.length && !same(messages[at] as StrictMessage)) at += 1;
    const message = messages[at];
    expect(message, 'a request that the independent parser reads, too').toBeDefined();
    const { method, target, version, headers, body } = message as StrictMessage;
    expect(parseRequest(frame.request)).toEqual({ method, target, version, headers, body });
    const answer = finals[at] as StrictMessage;
    expectBytes(frame.answer, all.subarray(answer.from, answer.to), 'its answer');
    const { status, headers: fields, body: content } = answer;
    expect(parseAnswer(frame.answer, method)).toMatchObject({
      status,
      headers: fields,
      body: content,
    });
    at += 1;
  }
}

function expectCounted(test: OracleCase, recording: Recording, mode: Way['mode']): void {
  const { opaque, refused, states } = recording;
  const doubt = test.doubt === '' ? [] : [test.doubt];
  const relayed = test.answerDoubt !== undefined ? [test.answerDoubt] : doubt;
  const isRefused = mode === 'reject' && test.doubt !== '';
  expectReasons(opaque, isRefused ? [] : relayed, 'opaque');
  expectReasons(refused, isRefused ? doubt : [], 'refused');
  if (isRefused) expect(states['refused(ambiguous)']).toBe(1);
  if (test.state !== undefined) expect(states[test.state]).toBe(1);
}

function expectReasons(
  counts: Readonly<Record<string, number>>,
  reasons: readonly string[],
  what: string,
): void {
  const found = Object.entries(counts).flatMap(([reason, n]) => Array(n).fill(reason));
  if (reasons[0] === 'any') expect(found, what).toHaveLength(1);
  else expect(found, what).toEqual(reasons);
}

function expectBytes(got: Buffer, wanted: Buffer | undefined, what: string): void {
  if (wanted?.equals(got) === true) return;
  expect(got.toString('latin1'), what).toBe(wanted?.toString('latin1'));
}
