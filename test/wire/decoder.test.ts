import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireDecoder, type WireMessage } from '../../src/wire/decoder.ts';
import { encodeExchange } from '../../src/wire/exchange-frame.ts';
import type { ExchangeCell } from '../../src/wire/exchange-ledger.ts';
import { encodeFarewell, encodeHello, encodeLedger } from '../../src/wire/json-messages.ts';
import { type ExchangeFrame, MESSAGE_EXCHANGE, WIRE_VERSION } from '../../src/wire/messages.ts';
import { segments } from '../support/segments.ts';

const LIMITS = { maxRequestBytes: 5_000, maxAnswerBytes: 4_000, maxJsonBytes: 10_000 };
const HELLO = {
  version: WIRE_VERSION,
  instance: 'test/gw0',
  epoch: '0123456789abcdefghij',
  pid: 7,
  nextSeq: 1,
  cells: [],
  foldedBefore: 0,
};

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const stamp = fc.double({ min: 0, max: 1e15, noNaN: true });
const frames: fc.Arbitrary<ExchangeFrame> = fc.record({
  seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  u: fc.oneof(
    fc.constant(Number.NaN),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  ),
  rate: fc.double({ min: 0, max: 1, noNaN: true }),
  settingsVersion: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  flags: fc.integer({ min: 0, max: 65_535 }),
  startMs: stamp,
  firstByteMs: stamp,
  endMs: stamp,
  wallMs: stamp,
  route: fc.string({ unit: 'grapheme', maxLength: 60 }),
  request: bytes(LIMITS.maxRequestBytes),
  answer: bytes(LIMITS.maxAnswerBytes),
});
const cells: fc.Arbitrary<ExchangeCell[]> = fc.array(
  fc.record({
    route: fc.string({ maxLength: 20 }),
    hour: fc.nat(),
    sizeClass: fc.constantFrom('', 'le_1k', 'gt_256k'),
    state: fc.constantFrom('seen', 'offered', 'shed'),
    reason: fc.constantFrom('', 'wire_full'),
    count: fc.nat(),
  }),
  { maxLength: 5 },
);
const reports = fc.record({ cells, nextSeq: fc.integer({ min: 1 }), foldedBefore: fc.nat() });
const messages: fc.Arbitrary<WireMessage> = fc.oneof(
  frames.map((frame): WireMessage => ({ type: 'exchange', frame })),
  reports.map((report): WireMessage => ({ type: 'ledger', ...report })),
  reports.map((report): WireMessage => ({ type: 'farewell', ...report })),
);

function encode(message: WireMessage): Buffer {
  if (message.type === 'hello') return encodeHello(message.hello);
  if (message.type === 'exchange') return encodeExchange(message.frame);
  if (message.type === 'oversized') throw new Error('nobody writes one');
  const { cells, nextSeq, foldedBefore } = message;
  return message.type === 'ledger'
    ? encodeLedger({ cells, nextSeq, foldedBefore })
    : encodeFarewell({ cells, nextSeq, foldedBefore });
}

function decode(pieces: readonly Buffer[], limits = LIMITS): WireMessage[] {
  const decoder = new WireDecoder(limits);
  return pieces.flatMap((piece) => {
    const read = decoder.push(piece);
    piece.fill(0xee); // what was returned must not alias the chunk
    return read;
  });
}

describe('WireDecoder', () => {
  it('reads back what was written, at any segmentation', () => {
    const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9_000 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(reports, fc.array(messages, { maxLength: 5 }), sizes, (report, rest, cut) => {
        const hello: WireMessage = { type: 'hello', hello: { ...HELLO, ...report } };
        const sent = [hello, ...rest];
        const stream = Buffer.concat(sent.map(encode));
        expect(decode(segments(stream, cut))).toEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  it('reads no message from one that was cut, and all from a stream in one-byte pieces', () => {
    const frame = fc.sample(frames, { numRuns: 1, seed: 4 })[0];
    if (!frame) throw new Error('no sample');
    const stream = Buffer.concat([encodeHello(HELLO), encodeExchange(frame)]);
    expect(decode(segments(stream, [1]))).toHaveLength(2);
    expect(decode(segments(stream.subarray(0, stream.length - 1), [7]))).toHaveLength(1);
  });

  it('refuses a length over the limit before any byte of the body has come', () => {
    for (const [type, length] of [
      [MESSAGE_EXCHANGE, 0xffff_ffff],
      [MESSAGE_EXCHANGE, 81 + 1_024 + 2 * 1_024 ** 3 + 1],
      [MESSAGE_EXCHANGE, 80],
      [1, 10_002],
      [3, 0xffff_ffff],
      [4, 1],
      [3, 0],
      [0, 10],
      [5, 10],
    ] as const) {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32LE(length, 0);
      prefix[4] = type;
      const stream = type === 1 ? prefix : Buffer.concat([encodeHello(HELLO), prefix]);
      expect(() => decode([stream]), `${type} ${length}`).toThrow(
        expect.objectContaining({ code: 'UND_WIRE_CORRUPT' }),
      );
      expect(() => decode(segments(stream, [1])), `${type} ${length}, cut`).toThrow(
        expect.objectContaining({ code: 'UND_WIRE_CORRUPT' }),
      );
    }
  });

  it('refuses inner lengths that do not make up the message', () => {
    const frame = fc.sample(frames, { numRuns: 1, seed: 5 })[0];
    if (!frame) throw new Error('no sample');
    for (const at of [68, 72, 76]) {
      const message = encodeExchange(frame);
      message.writeUInt8((message.readUInt8(5 + at) + 1) % 256, 5 + at);
      expect(() => decode([encodeHello(HELLO), message])).toThrow(/lengths/);
    }
  });

  it('reports an exchange over its own caps without its bytes, and reads on, at any segmentation', () => {
    const large = frames.chain((frame) =>
      fc.record({
        frame: fc.constant(frame),
        requestBytes: fc.constantFrom(10, LIMITS.maxRequestBytes, LIMITS.maxRequestBytes + 1),
        answerBytes: fc.constantFrom(10, LIMITS.maxAnswerBytes + 1, 100_000),
      }),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(large, { maxLength: 4 }), sizes, (list, cut) => {
        const expected: unknown[] = [];
        const parts = [encodeHello(HELLO)];
        for (const { frame, requestBytes, answerBytes } of list) {
          const request = Buffer.alloc(requestBytes, 1);
          const answer = Buffer.alloc(answerBytes, 2);
          parts.push(encodeExchange({ ...frame, request, answer }));
          if (requestBytes <= LIMITS.maxRequestBytes && answerBytes <= LIMITS.maxAnswerBytes) {
            expected.push({ type: 'exchange', frame: { ...frame, request, answer } });
            continue;
          }
          const empty = { ...frame, request: Buffer.alloc(0), answer: Buffer.alloc(0) };
          const tooLarge = requestBytes > LIMITS.maxRequestBytes ? 'request' : 'answer';
          const reason = `${tooLarge}_too_large`;
          expected.push({ type: 'oversized', frame: empty, requestBytes, reason });
        }
        const read = decode(segments(Buffer.concat(parts), cut));
        expect(read.slice(1)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses numbers that no gateway writes', () => {
    const frame = fc.sample(frames, { numRuns: 1, seed: 6 })[0];
    if (!frame) throw new Error('no sample');
    for (const bad of [{ seq: 0 }, { seq: 1.5 }, { number: -1 }, { u: 1 }, { rate: 1.5 }]) {
      const message = encodeExchange({ ...frame, ...bad });
      expect(() => decode([encodeHello(HELLO), message])).toThrow(/out of range/);
    }
    const message = encodeExchange({ ...frame, endMs: Number.POSITIVE_INFINITY });
    expect(() => decode([encodeHello(HELLO), message])).toThrow(/out of range/);
  });

  it('tells another version from a corrupt hello', () => {
    const future = encodeHello({ ...HELLO, version: WIRE_VERSION + 1 });
    expect(() => decode([future])).toThrow(expect.objectContaining({ code: 'UND_WIRE_VERSION' }));
    const broken = encodeLedger({ cells: [], nextSeq: 1, foldedBefore: 0 });
    broken[4] = 1;
    expect(() => decode([broken])).toThrow(expect.objectContaining({ code: 'UND_WIRE_CORRUPT' }));
  });

  it('takes exactly one hello, and that first', () => {
    const ledger = encodeLedger({ cells: [], nextSeq: 1, foldedBefore: 0 });
    expect(() => decode([ledger])).toThrow(/before the hello/);
    expect(() => decode([encodeHello(HELLO), encodeHello(HELLO)])).toThrow(/second hello/);
  });

  it('stays failed after an error', () => {
    const decoder = new WireDecoder(LIMITS);
    expect(() => decoder.push(Buffer.from([9, 0, 0, 0, 9]))).toThrow();
    expect(() => decoder.push(encodeHello(HELLO))).toThrow(/type 9/);
  });

  it('refuses a ledger with a cell of an unknown state or a negative count', () => {
    const cell = {
      route: 'r',
      hour: 1,
      sizeClass: '',
      state: 'seen',
      reason: '',
      count: 1,
    } as const;
    for (const patch of ['"state":"unseen"', '"count":-1', '"hour":"1"', '"sizeClass":"x"']) {
      const key = patch.slice(0, patch.indexOf(':'));
      const json = JSON.stringify({ cells: [cell], nextSeq: 1 });
      const text = json.replace(new RegExp(`${key}:("[^"]*"|\\d+)`), patch);
      const message = Buffer.concat([Buffer.alloc(5), Buffer.from(text)]);
      message.writeUInt32LE(text.length + 1, 0);
      message[4] = 3;
      expect(() => decode([encodeHello(HELLO), message]), patch).toThrow(/ledger is malformed/);
    }
  });
});
