/**
 * A candidate as a process of its own, sick in one way or well: for the isolation cases M-01 to M-14 and their
 * measurements. Sockets are raw, since no server library misbehaves like this.
 *
 *   node test/support/sick-candidate.ts PORT SICKNESS [CERT_FILE KEY_FILE]
 *
 * With a certificate it speaks TLS. It reads of HTTP what its callers need: a head, `Content-Length`, keep-alive.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** What becomes of a copy; `zero-window` is never read, `answers` is well. */
export type Sickness = keyof typeof SICKNESSES | 'zero-window';

const HEAD_END = '\r\n\r\n';
const BODY = '{"score":0.5,"label":"good","model_version":"cand-1"}';
const HEAD = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n`;
const SLOW_MS = 2_000;
const DRIP_MS = 1_000;
const PIECE: Buffer = Buffer.alloc(64 * 1024, 'x');
const FIELDS: string = 'X-A: aaaaaaaaaa\r\n'.repeat(1_024);

/** What it does with a request that is complete. */
const SICKNESSES = {
  answers: (socket: Socket) => void socket.write(HEAD + BODY),
  hangs: () => undefined,
  resets: (socket: Socket) => void socket.resetAndDestroy(),
  'resets-after-head': (socket: Socket) => writeAndReset(socket, HEAD),
  'resets-in-body': (socket: Socket) => writeAndReset(socket, HEAD + BODY.slice(0, 9)),
  slow: (socket: Socket) => void setTimeout(() => socket.write(HEAD + BODY), SLOW_MS),
  drips: (socket: Socket) => drip(socket, HEAD + BODY),
  'answers-500': (socket: Socket) =>
    void socket.write('HTTP/1.1 500 Oh No\r\nContent-Length: 4\r\n\r\noops'),
  garbage: (socket: Socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n\r\n'),
  'endless-head': (socket: Socket) => pour(socket, 'HTTP/1.1 200 OK\r\n', FIELDS),
  'gibibyte-body': (socket: Socket) =>
    pour(socket, `HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 30}\r\n\r\n`, PIECE),
  redirects: (socket: Socket) =>
    void socket.write(
      'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/v1/score\r\nContent-Length: 0\r\n\r\n',
    ),
} as const;

function writeAndReset(socket: Socket, bytes: string): void {
  socket.write(bytes, () => socket.resetAndDestroy());
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    socket.write(text.charAt(at));
    at += 1;
    if (at === text.length) clearInterval(timer);
  }, DRIP_MS);
  socket.once('close', () => clearInterval(timer));
}

/** As fast as its reader takes it, until that one has had enough. */
function pour(socket: Socket, begin: string, piece: string | Buffer): void {
  socket.write(begin);
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

function serve(socket: Socket, sickness: Sickness): void {
  socket.on('error', () => socket.destroy());
  if (sickness === 'zero-window') {
    socket.pause();
    return;
  }
  let waiting = '';
  let missing = 0;
  let isInBody = false;
  // latin1: a character a byte. Of a body nothing is kept: copies may be large.
  socket.setEncoding('latin1').on('data', (text: string) => {
    let rest = waiting + text;
    waiting = '';
    for (;;) {
      if (isInBody) {
        const taken = Math.min(missing, rest.length);
        missing -= taken;
        rest = rest.slice(taken);
        if (missing > 0) return;
        isInBody = false;
        SICKNESSES[sickness](socket);
      }
      const end = rest.indexOf(HEAD_END);
      if (end === -1) {
        waiting = rest;
        return;
      }
      missing = Number(/\r\ncontent-length:\s*(\d+)/i.exec(rest.slice(0, end))?.[1] ?? '0');
      rest = rest.slice(end + HEAD_END.length);
      isInBody = true;
    }
  });
}

const [port, named = '', certFile, keyFile] = process.argv.slice(2);

function isSickness(name: string): name is Sickness {
  return name === 'zero-window' || Object.hasOwn(SICKNESSES, name);
}

if (!isSickness(named)) throw new Error(`no sickness: ${named}`);
const options = { noDelay: true };
const server =
  certFile === undefined || keyFile === undefined
    ? createServer(options, (socket) => serve(socket, named))
    : createTlsServer(
        { ...options, cert: readFileSync(certFile), key: readFileSync(keyFile) },
        (socket) => serve(socket, named),
      );
server.on('tlsClientError', () => undefined);
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4_096 });
