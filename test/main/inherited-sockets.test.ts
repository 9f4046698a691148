import { describe, expect, it } from 'vitest';
import { takeInheritedSockets } from '../../src/main/inherited-sockets.ts';

const log = { warn() {}, info() {} };
const address = { host: '127.0.0.1', port: 0 };
const listener = (name: string) => ({ name, address, incumbent: address });
const config = { listeners: [listener('main'), listener('other')], gateway: { health: null } };
const take = (env: Record<string, string>, pid = process.pid) =>
  takeInheritedSockets(config as never, { LISTEN_PID: String(pid), ...env }, log);

describe('takeInheritedSockets', () => {
  it('takes nothing without LISTEN_FDS, or when they are for another process', () => {
    expect(take({})).toEqual([]);
    expect(take({ LISTEN_FDS: '0' })).toEqual([]);
    expect(take({ LISTEN_FDS: 'x' })).toEqual([]);
    expect(take({ LISTEN_FDS: '1' }, process.pid + 1)).toEqual([]);
  });

  it('takes the variables out of the environment, used or not', () => {
    const env = { LISTEN_FDS: '1', LISTEN_PID: '1', LISTEN_FDNAMES: 'main', OTHER: 'x' };
    takeInheritedSockets(config as never, env, log);
    expect(env).toEqual({ OTHER: 'x' });
  });

  it.each([
    ['more sockets than listeners', { LISTEN_FDS: '3' }, 'it hands over 3 sockets, and 2 are'],
    [
      'a name that is no listener',
      { LISTEN_FDS: '2', LISTEN_FDNAMES: 'main:mian' },
      '"mian" is no',
    ],
    ['a name that is there twice', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'main:main' }, 'there twice'],
  ])('refuses %s', (_, env, reason) => {
    expect(() => take(env)).toThrow(reason);
  });
});
