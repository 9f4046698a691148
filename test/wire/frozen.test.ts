/**
 * Gateway and mirror of neighbouring versions: bytes that the first release's gateway wrote are read by this
 * mirror, and what this gateway writes is read by the first release's mirror. Another version of the wire is
 * refused in words. When this fails, the wire has changed: raise WIRE_VERSION and read both, or mend it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WireDecoder } from '../../src/wire/decoder.ts';
import { encodeExchange } from '../../src/wire/exchange-frame.ts';
import { EXCHANGE_STATES, SIZE_CLASSES } from '../../src/wire/exchange-states.ts';
import { encodeFarewell, encodeHello, encodeLedger } from '../../src/wire/json-messages.ts';
import { WIRE_VERSION } from '../../src/wire/messages.ts';
import { readFrozenV1 } from './frozen/v1-reader.ts';

const FROZEN = Buffer.from(
  readFileSync(join(import.meta.dirname, 'frozen/v1.hex'), 'utf8').replace(/\s/g, ''),
  'hex',
);
const decoder = () =>
  new WireDecoder({ maxRequestBytes: 1e6, maxAnswerBytes: 1e6, maxJsonBytes: 1e6 });

const FRAME = {
  seq: 1,
  number: 2,
  u: 0.25,
  rate: 0.5,
  settingsVersion: 7,
  flags: 5,
  startMs: 1000.5,
  firstByteMs: 1001.25,
  endMs: 1002,
  wallMs: 1764000000000.125,
  route: 'score-é',
};
const REQUEST = 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\x00\xff';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HELLO = {
  version: WIRE_VERSION,
  instance: 'frozen/gw0',
  epoch: '0123456789abcdefghij',
  pid: 42,
  nextSeq: 1,
  cells: [],
  foldedBefore: 0,
};

describe('the wire', () => {
  it('is read as the first release wrote it', () => {
    const messages = decoder().push(FROZEN);
    expect(messages.map(({ type }) => type)).toEqual([
      'hello',
      'exchange',
      'exchange',
      'ledger',
      'farewell',
    ]);
    const [hello, first, second, ledger] = messages;
    expect(hello).toMatchObject({ hello: { version: 1, pid: 42, nextSeq: 1, cells: [] } });
    if (first?.type !== 'exchange' || second?.type !== 'exchange') throw new Error('no exchange');
    expect(first.frame).toMatchObject(FRAME);
    expect(first.frame.request.toString('latin1')).toBe(REQUEST);
    expect(first.frame.answer.toString('latin1')).toBe(ANSWER);
    expect(second.frame).toMatchObject({ seq: 2, number: 3, u: Number.NaN, rate: 1, flags: 0 });
    expect(ledger).toMatchObject({ nextSeq: 3 });
    expect(ledger?.type === 'ledger' && ledger.cells.map(({ count }) => count)).toEqual([3, 2, 1]);
  });

  it('is written so that the first release reads it, with every state there is now', () => {
    const cells = EXCHANGE_STATES.flatMap((state) =>
      SIZE_CLASSES.map((sizeClass) => {
        return { route: 'r', hour: 1, sizeClass, state, reason: 'new_reason', count: 1 };
      }),
    );
    const frame = {
      ...FRAME,
      request: Buffer.from(REQUEST, 'latin1'),
      answer: Buffer.from(ANSWER),
    };
    const report = { cells, nextSeq: 2, foldedBefore: 0 };
    const bytes = Buffer.concat([
      encodeHello({ ...HELLO, version: 1 }),
      encodeExchange(frame),
      encodeLedger(report),
      encodeFarewell(report),
    ]);
    const [hello, exchange, ledger, farewell] = readFrozenV1(bytes);
    expect(hello?.fields).toMatchObject({ epoch: HELLO.epoch, nextSeq: 1 });
    expect(exchange?.fields).toEqual({ ...FRAME, request: REQUEST, answer: ANSWER });
    for (const message of [ledger, farewell])
      expect(message?.fields).toEqual({ cells, nextSeq: 2 });
  });

  it('of a later version is refused in words, whatever its hello looks like', () => {
    for (const hello of [{ ...HELLO, version: WIRE_VERSION + 1 }, { version: WIRE_VERSION + 1 }]) {
      expect(() => decoder().push(encodeHello(hello as never))).toThrow(
        `The gateway speaks wire version ${WIRE_VERSION + 1}, this mirror ${WIRE_VERSION}`,
      );
    }
  });
});
