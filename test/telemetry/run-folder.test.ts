import { describe, expect, it } from 'vitest';
import { runFolder } from '../../src/telemetry/run-folder.ts';

describe('runFolder', () => {
  it('names one status socket a process', () => {
    expect(runFolder('/run/u').statusSocket('gw0')).toBe('/run/u/gw0.sock');
  });

  it('refuses a socket path of 108 bytes and takes one of 107', () => {
    const folder = `/${'x'.repeat(96)}`; // 97 bytes and '/gw00.sock' are 107
    const long = runFolder(folder);
    expect(long.statusSocket('gw00')).toHaveLength(107);
    expect(() => long.statusSocket('gw000')).toThrowError(
      expect.objectContaining({ code: 'UND_SOCKET_PATH_LONG' }),
    );
    expect(() => long.statusSocket('gwé0')).toThrowError(
      expect.objectContaining({ code: 'UND_SOCKET_PATH_LONG' }),
    );
  });
});
