import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that is free now: the preferred one, or one that the system picks. Somebody else may
 * still take it before it is used; then binding fails with its own sentence.
 *
 * @param preferred - 1 to 65535
 * @param taken - ports already given away in this start
 */
export async function pickPort(preferred: number, taken: ReadonlySet<number>): Promise<number> {
  if (!taken.has(preferred) && (await tryPort(preferred)) !== null) return preferred;
  for (;;) {
    const port = await tryPort(0);
    if (port === null) throw new Error('no free port on 127.0.0.1');
    if (!taken.has(port)) return port;
  }
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: '127.0.0.1', port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? null) : null));
    });
  });
}
