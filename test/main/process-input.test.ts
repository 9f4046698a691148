import { expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { FIRST_LISTENER_FD, handDown } from '../../src/main/process-input.ts';

it('hands each listener down so often as it has handles, and says which descriptors are whose', () => {
  const sockets = ['main', 'other', 'health'];
  const { fds, listeners } = handDown(sockets, 2);
  expect(fds.slice(0, sockets.length)).toEqual(sockets);
  expect(listeners.map(([first]) => first)).toEqual([FIRST_LISTENER_FD, FIRST_LISTENER_FD + 1]);
  const named = listeners.map((own) => own.map((fd) => fds[fd - FIRST_LISTENER_FD]));
  expect(named).toEqual([
    Array(LIMITS.listenHandles).fill('main'),
    Array(LIMITS.listenHandles).fill('other'),
  ]);
  expect(new Set(listeners.flat()).size).toBe(2 * LIMITS.listenHandles);
});
