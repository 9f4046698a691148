/** A gateway's loop watches each listener through several descriptors: so many newcomers get in at each turn. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { EchoServer } from './echo-server.ts';
import { Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

/** What each descriptor of a process is. */
function descriptorsOf(pid: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(fd, readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      // closed meanwhile
    }
  }
  return found;
}

/** Descriptors that some event loop of the process watches. */
function watchedBy(pid: number, descriptors: ReadonlyMap<string, string>): Set<string> {
  const loops = Array.from(descriptors).filter(([, what]) => what === 'anon_inode:[eventpoll]');
  const texts = loops.map(([fd]) => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'));
  return new Set(
    texts.flatMap((text) => Array.from(text.matchAll(/^tfd: +(\d+)/gm), ([, fd = '']) => fd)),
  );
}

test('each listener is watched through several descriptors', async () => {
  const incumbent = closeWithTest(await EchoServer.start(() => ({ status: 200, body: '{}' })));
  const candidates = [{ name: 'cand', url: `http://${incumbent.address}` }];
  const instance = await Instance.start({ incumbent: incumbent.address, candidates });
  const { children } = await instance.supervisor();
  const pid = children.find(({ name }) => name === 'gw0')?.pid ?? 0;
  const descriptors = descriptorsOf(pid);
  const watched = watchedBy(pid, descriptors);
  const sockets = Array.from(descriptors).filter(
    ([fd, what]) => watched.has(fd) && what.startsWith('socket:'),
  );
  const shared = Map.groupBy(sockets, ([, what]) => what);
  const sizes = Array.from(shared.values(), ({ length }) => length).filter((size) => size > 1);
  expect(sizes).toEqual([LIMITS.listenHandles]);
});
