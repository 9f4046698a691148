/**
 * The bypass in a hurry of docs/insertion.md, as it stands there: its commands, on a machine with a network of
 * its own, while callers from another one go on.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { requireProgram } from '../services/program.ts';
import { accepts } from '../support/accepts.ts';
import { until } from '../support/until.ts';
import { Instance } from './instance.ts';
import { Load } from './load.ts';
import { NewCallers } from './new-callers.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/insertion.md');
/** RFC 2544: for tests between networks, so nobody's. */
const [CALLERS, MACHINE] = ['198.18.77.1', '198.18.77.2'];

/** The command of the document that takes the gateway out or puts it in again, as words. */
function rule(purpose: 'out' | 'in again' | 'out once more'): string[] {
  const pattern = new RegExp(`^iptables (-t nat .*?) +# ${purpose}$`, 'm');
  const found = readFileSync(DOCUMENT, 'utf8').match(pattern)?.[1];
  if (found === undefined) throw new Error(`no rule ${purpose}`);
  return found.split(' ');
}

/** A network of its own, which this one reaches at MACHINE. @returns what goes before a command to run it there */
function machine(ip: string): string[] {
  const name = `und-${process.pid}`;
  const run = (...args: string[]) => execFileSync(ip, args);
  run('netns', 'add', name);
  onTestFinished(() => void run('netns', 'del', name));
  const outside = `und${process.pid}`;
  run('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  run('addr', 'add', `${CALLERS}/30`, 'dev', outside);
  run('link', 'set', outside, 'up');
  run('-n', name, 'addr', 'add', `${MACHINE}/30`, 'dev', 'eth0');
  for (const device of ['lo', 'eth0']) run('-n', name, 'link', 'set', device, 'up');
  return ['nsenter', `--net=/run/netns/${name}`];
}

const ip = requireProgram('ip', 'iproute2');
const iptables = requireProgram('iptables', 'iptables');
if (process.getuid?.() !== 0) test.skip('a network of its own needs root', () => undefined);
else if (typeof ip !== 'string') test.skip(ip.skipped, () => undefined);
else if (typeof iptables !== 'string') test.skip(iptables.skipped, () => undefined);
else {
  test('out and in again by iptables: open connections go on, new ones reach the incumbent', async () => {
    const inside = machine(ip);
    const [enter = '', ...where] = inside;
    const program = join(import.meta.dirname, 'incumbent-program.ts');
    const incumbent = spawn(enter, [...where, process.execPath, program, '9000']);
    onTestFinished(() => void incumbent.kill('SIGKILL'));
    await until('the incumbent listens', () => accepts(9_000, MACHINE));
    const instance = await Instance.start({
      incumbent: '127.0.0.1:9000',
      candidates: [{ name: 'cand', url: 'http://127.0.0.1:1' }],
      role: 'gateway',
      before: inside,
      sections: {
        listeners: [{ name: 'main', listen: '0.0.0.0:8080', incumbent: '127.0.0.1:9000' }],
        gateway: { heartbeatTimeoutMs: 120_000 },
      },
    });
    const seen = async () => (await instance.gateway()).seen;
    const connections = async () => (await instance.gateway()).connections.total;
    const place = { port: 8_080, host: MACHINE };
    const kept = await Load.start({ ...place, connections: 2 });
    const callers = new NewCallers(place);
    await callers.answers(50);

    const apply = (purpose: Parameters<typeof rule>[0]) =>
      void execFileSync(enter, [...where, iptables, ...rule(purpose)]);
    /** Those that were under way to the gateway are in, and it sees no more, but for the ones that it has. */
    const isOut = async () => {
      await callers.answers(8);
      const [before, callsBefore] = [await connections(), await seen()];
      await callers.answers(50);
      await kept.answers(20);
      expect(await connections()).toBe(before);
      expect(await seen()).toBeGreaterThan(callsBefore + 15);
    };

    apply('out');
    await isOut();
    const openedOut = await Load.start({ ...place, connections: 2 });
    await openedOut.answers(20);
    const before = await connections();

    apply('in again');
    await until('it is in again', async () => (await connections()) > before);
    await callers.answers(20);
    await openedOut.answers(50);

    apply('out once more');
    await isOut();
    await openedOut.answers(20);
    await callers.stop();
    expect(callers.faults).toEqual([]);
    for (const load of [kept, openedOut]) {
      await load.stop();
      expect(load.faults).toEqual([]);
      expect(load.lostConnections).toBe(0);
    }
  });
}
