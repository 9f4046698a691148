/**
 * Both ledgers, the wire's reports, the books and the journal against a trivial model, through any sequence of
 * offers, commits, kills, reconnections, quarantines, passing hours, and candidates removed and added again. The
 * sums are held after every step.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConfigName, ROUTES, World } from './books-world.ts';

/** Saved: a run is the same on each machine. `FC_SEED=n` tries others. */
const SEED = Number(process.env.FC_SEED ?? 20_261_125);
const RUNS = Number(process.env.FC_RUNS ?? 100);

interface Step {
  readonly told: string;
  run(world: World): void;
}

/** @param name - with its value, what a counterexample shows. @param weight - how often it comes */
function step<T>(
  name: string,
  weight: number,
  values: fc.Arbitrary<T>,
  act: (world: World, value: T) => void,
) {
  const arbitrary = values.map((value): Step => {
    return { told: `${name} ${JSON.stringify(value)}`, run: (world) => act(world, value) };
  });
  return { weight, arbitrary };
}

const which = fc.constantFrom(0, 1);
const few = fc.nat({ max: 6 });
const always = fc.constant(null);
const config = fc.constantFrom<ConfigName>('both', 'both', 'onlyA');

function gatewayOf(world: World, index: number) {
  const gateway = world.gateways[index];
  if (gateway === undefined) throw new Error('no such gateway');
  return gateway;
}

const offers = fc.record({
  gateway: which,
  route: fc.constantFrom(...ROUTES),
  sizeClass: fc.constantFrom('le_1k' as const, 'le_16k' as const),
  decided: fc.constantFrom('written', 'written', 'written', 'written', 'cut', 'later'),
});

const steps = fc.oneof(
  step('offer', 14, offers, (world, { gateway, route, sizeClass, decided }) => {
    world.see(gatewayOf(world, gateway), route, sizeClass);
    if (decided !== 'later') world.decide(gatewayOf(world, gateway), decided === 'written');
  }),
  step('decide', 2, which, (world, gateway) => world.decide(gatewayOf(world, gateway), true)),
  step('report', 4, which, (world, gateway) => world.report(gatewayOf(world, gateway), 'ledger')),
  step('deliver', 8, fc.tuple(which, few), (world, [gateway, n]) =>
    world.deliver(gatewayOf(world, gateway), n),
  ),
  step('settle', 4, few, (world, n) => world.settle(n)),
  step('commit', 4, always, (world) => world.commit()),
  step('refuse', 1, always, (world) => world.refuse()),
  step('connect', 4, which, (world, gateway) => world.connect(gatewayOf(world, gateway))),
  step('cut', 2, fc.tuple(which, few), (world, [gateway, n]) =>
    world.cut(gatewayOf(world, gateway), n),
  ),
  step('restart mirror', 2, config, (world, name) => world.restartMirror(name)),
  step('quarantine', 1, always, (world) => world.quarantine()),
  // Not only forward: clocks are set.
  step('hours pass', 3, fc.constantFrom(1, 1, 1, 3, -1), (world, hours) => {
    world.hour += hours;
  }),
);

const endings = fc.record({
  /** The second gateway's: it is killed, says farewell, or goes on. */
  second: fc.constantFrom('killed', 'farewell', 'goes on'),
  config,
});

function rest(world: World): void {
  for (const gateway of world.gateways) {
    world.connect(gateway);
    while (gateway.open.length > 0) world.decide(gateway, true);
    world.report(gateway, 'ledger');
    world.deliver(gateway);
  }
  world.settle(Number.POSITIVE_INFINITY);
  world.commit();
}

test('each exchange and each copy has one state, whatever happens, and both sums hold at every moment', {
  timeout: 180_000,
}, () => {
  fc.assert(
    fc.property(
      fc.array(steps, { maxLength: 150, size: 'max' }),
      endings,
      (acts, { second, config }) => {
        const world = new World();
        try {
          for (const gateway of world.gateways) world.connect(gateway);
          for (const { run } of acts) {
            run(world);
            world.check();
          }
          if (second === 'killed') world.killGateway(gatewayOf(world, 1));
          world.check();
          rest(world);
          world.check();
          world.checkRest();
          if (second === 'farewell') {
            world.report(gatewayOf(world, 1), 'farewell');
            world.deliver(gatewayOf(world, 1));
            world.commit();
          }
          // A next mirror finds the same books, with whatever candidates it has.
          world.restartMirror(config);
          world.check();
          rest(world);
          world.check();
          world.checkRest();
        } finally {
          world.remove();
        }
      },
    ),
    { seed: SEED, numRuns: RUNS, ...(process.env.FC_PATH ? { path: process.env.FC_PATH } : {}) },
  );
});

test('a candidate that was removed and is added again has not lost what was offered between', () => {
  const world = new World();
  const gateway = gatewayOf(world, 0);
  const offer = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      world.see(gateway, 'score', 'le_1k');
      world.decide(gateway, true);
    }
  };
  const restart = (name: ConfigName): void => {
    world.restartMirror(name);
    world.connect(gateway);
    world.deliver(gateway);
    world.commit();
  };
  try {
    restart('both');
    offer(3);
    restart('onlyA'); // three were meant for b, and are gone
    offer(5);
    rest(world);
    offer(2); // offered, and not in any report that was committed
    restart('both');
    offer(4);
    rest(world);
    world.checkRest();
    const legs = world.legs.totals().filter(({ candidate }) => candidate === 'b');
    const counts = Object.fromEntries(legs.map(({ state, count }) => [state, count]));
    expect(counts).toEqual({ lost_in_crash: 3, ineligible: 7, paired: 4 });
  } finally {
    world.remove();
  }
});
