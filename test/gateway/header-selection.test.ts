/** Selection by a request header: all of one customer's exchanges or none, drawn in the gateway. */
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { fieldValue } from '../../src/gateway/field-value.ts';
import { ParseBudget } from '../../src/mirror/parse-budget.ts';
import { compileSampling } from '../../src/mirror/sampling.ts';
import { drawnNumber } from '../../src/wire/selection.ts';
import { until } from '../support/until.ts';
import {
  candidate,
  expectExchangesToBalance,
  ROUTE,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const request = (customer: string): string =>
  `GET /x HTTP/1.1\r\nHost: h\r\n${customer === '' ? '' : `x-CUSTOMER: ${customer} \r\n`}\r\n`;

const READING = { limits: { maxBytes: 1e6, maxRatio: 100 }, budget: new ParseBudget(1e6) };

async function rigWith(rate: number, gateway = {}) {
  const origin = await startOrigin((socket, all) => {
    const asked = all.toString('latin1').split('\r\n\r\n').length - 1;
    if (asked === 40) socket.write(OK.repeat(40));
  });
  const sampling = { ...DEFAULTS.route.sampling, keyHeader: 'x-customer' };
  const rig = await startGateway(origin.port, {
    gateway,
    config: { routes: [{ ...ROUTE, sampling }], candidates: [candidate(rate)] },
  });
  return { rig, mirror: await startMirror(rig), sampling };
}

describe('selection by a header', () => {
  it.each([[[1e9]], [[1]]])('selects all of a customer or none, nested, cut by %j', async (cut) => {
    // 20 customers, two requests each, all on one connection.
    const customers = Array.from({ length: 40 }, (_, i) => `customer-${i % 20}`);
    const selected: Set<string>[] = [];
    for (const rate of [0.3, 0.7]) {
      const { rig, mirror, sampling } = await rigWith(rate);
      const caller = await rawCaller(rig.port);
      await writePieces(caller.socket, Buffer.from(customers.map(request).join('')), cut);
      await untilReceived(caller, 40 * OK.length);
      const counts = await expectExchangesToBalance(rig, mirror);
      const { offered = 0 } = counts;
      await until('all offered are there', () => mirror.frames.length === offered);
      const draw = compileSampling({ sampling }, READING);
      const names = mirror.frames.map(({ request: bytes, u, rate: inForce }) => {
        const { value, isKeyMissing } = draw(bytes);
        expect(isKeyMissing).toBe(false);
        // The mirror draws the same number from the copy.
        expect(u).toBe(drawnNumber('a secret of a test', value ?? ''));
        expect(u).toBeLessThan(inForce);
        return value ?? '';
      });
      expect(counts).toEqual({ seen: 40, offered, not_selected: 40 - offered });
      const twice = [...new Set(names)].flatMap((name) => [name, name]).sort();
      expect([...names].sort()).toEqual(twice);
      selected.push(new Set(names));
    }
    const [few, many] = selected;
    expect(many?.size).toBeGreaterThan(few?.size ?? 0);
    expect([...(few ?? [])].filter((name) => !many?.has(name))).toEqual([]);
  });

  it('draws each exchange without it by itself', async () => {
    const { rig, mirror, sampling } = await rigWith(0.5);
    const caller = await rawCaller(rig.port);
    caller.socket.write(request('').repeat(40));
    await untilReceived(caller, 40 * OK.length);
    const { offered = 0, not_selected: others = 0 } = await expectExchangesToBalance(rig, mirror);
    expect(offered + others).toBe(40);
    expect(Math.min(offered, others)).toBeGreaterThan(0);
    const [frame] = mirror.frames;
    if (frame === undefined) throw new Error('none');
    expect(compileSampling({ sampling }, READING)(frame.request).isKeyMissing).toBe(true);
    expect(frame.u).toBe(
      drawnNumber('a secret of a test', `${rig.status().epoch}.${frame.number}`),
    );
  });

  it('sheds for size only what is selected', async () => {
    const { rig, mirror } = await rigWith(0.5, { maxRequestBytes: 30 });
    const caller = await rawCaller(rig.port);
    const customers = Array.from({ length: 40 }, (_, i) => `customer-${i}`);
    caller.socket.write(customers.map(request).join(''));
    await untilReceived(caller, 40 * OK.length);
    const counts = await expectExchangesToBalance(rig, mirror);
    const { 'shed(request_too_large)': shed = 0, not_selected: others = 0 } = counts;
    expect(shed + others).toBe(40);
    expect(Math.min(shed, others)).toBeGreaterThan(0);
  });
});

describe('fieldValue', () => {
  it.each([
    ['A: 1', 'a', '1'],
    ['A:1\t ', 'a', '1'],
    ['a: 1\r\nB: x\r\nA: 2', 'a', '1,2'],
    ['AB: 1', 'a', ''],
    ['A: \xe9', 'a', '\xe9'],
    ['B: a: 5', 'a', ''],
  ])('of %j', (lines, name, value) => {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines}\r\n\r\na: body\r\n\r\n`, 'latin1');
    expect(fieldValue(bytes, name)).toBe(value);
  });
});
