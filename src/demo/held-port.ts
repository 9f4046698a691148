import { BoundSocket } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Binds the preferred port of 127.0.0.1 or, where it is taken, one that the system picks. What is bound here
 * is handed to the process that will listen: between picking and binding nobody can come.
 *
 * @param preferred - 1 to 65535
 */
export function holdPort(preferred: number): BoundSocket {
  try {
    return new BoundSocket({ host: HOST, port: preferred });
  } catch {
    return new BoundSocket({ host: HOST, port: 0 });
  }
}

/** Whether nobody listens on the port of 127.0.0.1 at this moment; the next may be another matter. */
export function isFree(port: number): boolean {
  try {
    new BoundSocket({ host: HOST, port }).close();
    return true;
  } catch {
    return false;
  }
}
