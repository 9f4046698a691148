/**
 * A plain socket as the Duplex that TLS runs over. It keeps the end of the TCP connection to itself, so
 * that what the TLS layer calls an end can only be the peer's close_notify: OpenSSL alone would report a
 * connection that was cut as an end, too.
 *
 *   kernel ──onBytes──► RawDuplex ──push──► TLS
 *   kernel ◄──write──── RawDuplex ◄─write── TLS
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { OnBytes } from './byte-connection.ts';

type Done = (error?: Error | null) => void;

export class RawDuplex extends Duplex {
  readonly raw: Socket;
  /** The peer has ended the TCP connection. */
  rawEnded = false;

  /** @param open - makes the socket, with what takes its bytes */
  constructor(open: (onBytes: OnBytes) => Socket) {
    super({ allowHalfOpen: true });
    this.raw = open((bytes) => this.push(bytes));
    this.raw.on('end', () => {
      this.rawEnded = true;
      this.emit('rawEnd');
    });
  }

  override _read(): void {
    this.raw.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.raw.write(bytes, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.raw.cork();
    for (const { chunk } of chunks.slice(0, -1)) this.raw.write(chunk);
    this.raw.write(chunks.at(-1)?.chunk ?? '', done);
    this.raw.uncork();
  }

  override _final(done: Done): void {
    this.raw.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.raw.destroy();
    done(error);
  }
}
