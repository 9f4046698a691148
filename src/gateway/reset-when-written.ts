import { LIMITS } from '../config/defaults.ts';
import type { ByteConnection } from './byte-connection.ts';

const NOTHING: Buffer = Buffer.alloc(0);

/** What was written still goes, for LIMITS.resetFlushMs at most; then the peer sees a reset. */
export function resetWhenWritten(connection: ByteConnection): void {
  if (connection.writableLength === 0 || connection.writableEnded) {
    connection.resetAndDestroy();
    return;
  }
  const timer = setTimeout(() => connection.resetAndDestroy(), LIMITS.resetFlushMs);
  connection.write(NOTHING, () => {
    clearTimeout(timer);
    connection.resetAndDestroy();
  });
}
