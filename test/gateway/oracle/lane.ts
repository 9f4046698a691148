/**
 * A gateway of its own between a recording caller, a recording incumbent and a recording mirror. One play
 * at a time, so that what was recorded is known to belong together; several lanes make up for it.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { DEFAULTS } from '../../../src/config/defaults.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import { LogLines } from '../../../src/telemetry/log-lines.ts';
import { watchLoopDelay } from '../../../src/telemetry/loop-delay.ts';
import { runFolder } from '../../../src/telemetry/run-folder.ts';
import { SettingsReader } from '../../../src/telemetry/settings-reader.ts';
import { WireDecoder } from '../../../src/wire/decoder.ts';
import type { ExchangeFrame } from '../../../src/wire/messages.ts';
import { KNOWN_METHODS } from '../../support/strict-parser.ts';
import { writePieces } from '../../support/write-pieces.ts';
import { countsOf, gatewayConfig, ROUTE } from '../rig.ts';

/** What both ends do. */
export interface Play {
  /** The caller's bytes, and how they are cut. */
  readonly stream: Buffer;
  readonly cut: readonly number[];
  /** That many bytes, the last ones, are withheld until the caller has `interim`. */
  readonly hold: number;
  readonly interim: Buffer;
  /** The caller ends its direction after its bytes. */
  readonly callerEnds: boolean;
  /** The incumbent writes these once it has `answersAfter` bytes; `answersEnd`: then it ends. */
  readonly answers: Buffer;
  readonly answersAfter: number;
  readonly answersEnd: boolean;
  /** Bytes after which the caller goes, if it is not sent away before. */
  readonly callerGets: number;
  readonly originGets: number;
}

/** What was seen. */
export interface Recording {
  readonly callerGot: Buffer;
  readonly originGot: Buffer;
  readonly frames: readonly ExchangeFrame[];
  /** How the caller's connection ended: `end`, or the code of an error. */
  readonly ended: string;
  /** Counted by this play alone. */
  readonly states: Readonly<Record<string, number>>;
  readonly opaque: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}

/** All variants on a busy machine take their time. */
const PATIENCE_MS = process.env.ORACLE === 'full' ? 60_000 : 8_000;
const log = new LogLines({ process: 'gw0', level: 'error' });

export class Lane {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Of the play: the caller's end, and the incumbent's. */
  readonly #connections = new Set<Socket>();
  #gateway: Gateway | undefined;
  #settings: SettingsReader | undefined;
  #port = 0;
  #frames: ExchangeFrame[] = [];
  #originGot: Buffer[] = [];
  #originBytes = 0;
  #play: Play | undefined;
  #toldInterim = false;
  #answered = false;
  /** The incumbent's answers, being written. */
  #answering: Promise<void> = Promise.resolve();

  async start(folder: string, ambiguous: 'relay' | 'reject'): Promise<this> {
    const { wireSocket } = runFolder(folder);
    const origin = await this.#serve((socket) => this.#receive(socket));
    await this.#serve((socket) => this.#mirror(socket), wireSocket);
    const routes = [{ ...ROUTE, methods: [...KNOWN_METHODS] }];
    const config = { ...gatewayConfig(folder, portOf(origin), { ambiguous }), routes };
    this.#settings = new SettingsReader(runFolder(folder), config, log);
    this.#settings.start();
    this.#gateway = new Gateway({
      config,
      name: 'gw0',
      version: '0.0.0',
      wireSocket,
      secret: 'a secret of a test',
      settings: this.#settings,
      log,
      loopDelay: watchLoopDelay(),
    });
    const [port = 0] = await this.#gateway.start([{ host: '127.0.0.1', port: 0 }]);
    this.#port = port;
    await this.#until('the wire is up', () => this.#status().wire.connected);
    return this;
  }

  async stop(): Promise<void> {
    this.#settings?.stop();
    await this.#gateway?.drain();
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What a play leaves open when it fails must not disturb the next one. */
  async play(play: Play): Promise<Recording> {
    try {
      return await this.#record(play);
    } catch (error) {
      for (const socket of this.#connections) socket.destroy();
      await this.#until('the gateway is idle again', () => this.#status().connections.open === 0);
      throw error;
    }
  }

  async #record(play: Play): Promise<Recording> {
    this.#play = play;
    this.#originGot = [];
    this.#originBytes = 0;
    this.#toldInterim = false;
    this.#answered = false;
    this.#answering = Promise.resolve();
    this.#frames = [];
    const before = this.#counts();
    const caller = connect({
      port: this.#port,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
    });
    this.#connections.add(caller);
    caller.on('close', () => void this.#connections.delete(caller));
    const got: Buffer[] = [];
    let gotBytes = 0;
    let ended = '';
    caller.on('data', (bytes) => {
      got.push(bytes);
      gotBytes += bytes.length;
    });
    caller.on('end', () => {
      ended ||= 'end';
    });
    caller.on('error', (error) => {
      ended ||= String(Reflect.get(error, 'code'));
    });
    await once(caller, 'connect');
    const early = play.stream.length - play.hold;
    await writePieces(caller, play.stream.subarray(0, early), play.cut);
    if (play.hold > 0) {
      await this.#until('the interim answer', () => gotBytes >= play.interim.length);
      await writePieces(caller, play.stream.subarray(early), play.cut);
    }
    if (play.callerEnds) caller.end();
    const isDone = () => gotBytes >= play.callerGets && this.#originBytes >= play.originGets;
    await this.#until('all bytes are there', () => ended !== '' || isDone());
    caller.end();
    await this.#until('the connection is over', () => caller.destroyed || ended !== '');
    await this.#until('the gateway is idle', () => this.#status().connections.open === 0);
    const after = this.#counts();
    const offered = (after.states.offered ?? 0) - (before.states.offered ?? 0);
    await this.#until('the mirror has every frame', () => this.#frames.length >= offered);
    caller.destroy();
    return {
      callerGot: Buffer.concat(got),
      originGot: Buffer.concat(this.#originGot),
      frames: this.#frames,
      ended,
      states: difference(after.states, before.states),
      opaque: difference(after.opaque, before.opaque),
      refused: difference(after.refused, before.refused),
    };
  }

  #status() {
    if (this.#gateway === undefined) throw new Error('the lane is not started');
    return this.#gateway.status();
  }

  #counts() {
    const { cells, connections } = this.#status();
    const { opaque, refused } = connections;
    return { states: countsOf(cells), opaque, refused };
  }

  #receive(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => void this.#connections.delete(socket));
    socket.on('data', (bytes) => {
      this.#originGot.push(bytes);
      this.#originBytes += bytes.length;
      this.#answer(socket);
    });
    socket.on('end', () => {
      this.#answer(socket);
      void this.#answering.then(() => socket.end());
    });
  }

  #answer(socket: Socket): void {
    const play = this.#play;
    if (play === undefined) return;
    if (
      play.interim.length > 0 &&
      !this.#toldInterim &&
      this.#originBytes >= play.stream.length - play.hold
    ) {
      this.#toldInterim = true;
      socket.write(play.interim);
    }
    if (this.#answered || this.#originBytes < play.answersAfter) return;
    this.#answered = true;
    this.#answering = writePieces(socket, play.answers, play.cut);
    void this.#answering.then(() => play.answersEnd && socket.end());
  }

  #mirror(socket: Socket): void {
    const { maxRequestBytes, maxAnswerBytes } = DEFAULTS.gateway;
    const decoder = new WireDecoder({ maxRequestBytes, maxAnswerBytes, maxJsonBytes: 1e7 });
    socket.on('data', (bytes) => {
      for (const message of decoder.push(bytes)) {
        if (message.type === 'exchange') this.#frames.push(message.frame);
      }
    });
  }

  async #serve(serve: (socket: Socket) => void, path?: string): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => void this.#sockets.delete(socket));
      serve(socket);
    });
    this.#servers.push(server);
    if (path === undefined) server.listen(0, '127.0.0.1');
    else server.listen(path);
    await once(server, 'listening');
    return server;
  }

  /** Looks at every turn of the event loop for a while, then now and then. */
  async #until(what: string, look: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (let turn = 0; !look(); turn++) {
      if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, turn < 20 ? 1 : 5));
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const counts = Object.entries(after).map(([key, count]) => [key, count - (before[key] ?? 0)]);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}
