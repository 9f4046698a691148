import type { Socket } from 'node:net';
import { segments } from './segments.ts';

/** Writes in pieces; the next only when the one before has left this process. */
export async function writePieces(
  socket: Socket,
  bytes: Buffer,
  cut: readonly number[],
): Promise<void> {
  for (const piece of segments(bytes, cut)) {
    if (socket.destroyed) return;
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
