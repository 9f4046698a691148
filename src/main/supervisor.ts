/**
 * The parent of all processes: holds the listening sockets, starts the others and starts them again. It
 * accepts no connection and reads no traffic; killed, it takes nobody along.
 */
import { formatAddress } from '../config/address.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Address, Config, UnixAddress } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { Log } from '../telemetry/log-lines.ts';
import { type RunFolder, runFolder } from '../telemetry/run-folder.ts';
import { type StatusServer, serveStatus } from '../telemetry/status-socket.ts';
import { Child, type ChildStatus, type Launch } from './child.ts';
import { partOf } from './config-parts.ts';
import { type EntryName, entryOf } from './entry.ts';
import { makePrivateFolder } from './folders.ts';
import { leaveMemoryOutOfCoreDumps, yieldToGateways } from './isolation.ts';
import { bindListeners, type ListeningSocket } from './listening-sockets.ts';
import { forgetProcess, noteProcess } from './process-files.ts';
import { EXIT_ADDRESS_TAKEN, handDown, type ProcessInput } from './process-input.ts';
import { type ProcessPlan, processesOf, type Role, STOP_ORDER } from './process-plan.ts';
import { ReloadLog, type ReloadStatus } from './reload-log.ts';
import { rollOut } from './rollout.ts';
import { RunFolderLock } from './run-folder-lock.ts';
import { refuseSecondSupervisor, stopOrphans } from './takeover.ts';
import { requireListenerCertificates } from './tls-probes.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly role: Role;
  /** Version of Understudy. */
  readonly version: string;
  readonly log: Log;
  /** Reads the configuration anew, for a reload; its errors leave the old one in force. */
  readonly loadConfig?: () => Config;
  /** Listening sockets that are there already: those of a service manager. */
  readonly sockets?: readonly ListeningSocket[];
  /** Programs of the processes; given in tests. */
  readonly programOf?: (entry: EntryName) => string;
}

/** What the supervisor says of itself on its status socket. */
export interface SupervisorStatus {
  readonly process: 'supervisor';
  /** `supervisor-all` */
  readonly name: string;
  readonly role: Role;
  readonly pid: number;
  readonly version: string;
  readonly uptimeMs: number;
  /** Where callers connect: name of the listener, host and port as bound, or the path of a Unix socket. */
  readonly listeners: readonly ({ readonly name: string } & Partial<Address & UnixAddress>)[];
  readonly children: readonly ChildStatus[];
  readonly reload: ReloadStatus;
}

/** What is started again: what a new configuration changes; all gateways; everything. */
export type ReloadScope = 'changed' | 'gateways' | 'all';

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #folder: RunFolder;
  readonly #startedMs = monotonicMs();
  readonly #reloads = new ReloadLog();
  #reloading: Promise<void> = Promise.resolve();
  #config: Config;
  #sockets: readonly ListeningSocket[] = [];
  #children: readonly Child[] = [];
  #status: StatusServer | null = null;
  #lock: RunFolderLock | null = null;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | null = null;
  #failure: UnderstudyError | null = null;
  readonly #stopped = Promise.withResolvers<void>();

  private constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#folder = runFolder(options.config.runDir);
  }

  /**
   * Makes the folders, takes over from an earlier supervisor, binds, and starts all processes.
   *
   * @returns when all are started; `untilUp` waits until they answer
   * @throws {UnderstudyError} `UND_LISTEN_FAILED`; `UND_TLS_FILE`; `UND_RUN_FOLDER`, also when another supervisor is at work;
   *   `UND_SOCKET_PATH_LONG`, `UND_STATUS_SOCKET`. Nothing is left running then.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    await supervisor.#start();
    return supervisor;
  }

  /** Addresses as bound, in the order of the configuration; health last. */
  get sockets(): readonly Pick<ListeningSocket, 'name' | 'address'>[] {
    return this.#sockets;
  }

  /** Resolves when all processes have ended. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** Why it has ended by itself; `null`: it has not. */
  get failure(): UnderstudyError | null {
    return this.#failure;
  }

  /** It is being stopped, or is. */
  get ending(): boolean {
    return this.#stopping !== null;
  }

  status(): SupervisorStatus {
    const { role, version } = this.#options;
    return {
      process: 'supervisor',
      name: `supervisor-${role}`,
      role,
      pid: process.pid,
      version,
      uptimeMs: monotonicMs() - this.#startedMs,
      listeners: this.#sockets.map(({ name, address }) => ({ name, ...address })),
      children: this.#children.map((child) => child.status()),
      reload: this.#reloads.status(),
    };
  }

  /**
   * Reads the configuration anew and puts it in force; one after the other. What is wrong changes nothing
   * and stands in the status and the log. Never rejects.
   *
   * @param scope - `gateways` and `all` start processes again whether or not anything has changed
   */
  reload(scope: ReloadScope): Promise<void> {
    this.#reloads.request();
    this.#reloading = this.#reloading.then(() => this.#reloadOnce(scope));
    return this.#reloading;
  }

  /** @returns true when every process has answered; false after the time for a start */
  async untilUp(timeoutMs: number = LIMITS.startTimeoutMs): Promise<boolean> {
    const deadlineMs = monotonicMs() + timeoutMs;
    const up = () => this.#children.every((child) => child.state === 'running');
    while (!up() && this.#stopping === null && monotonicMs() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, LIMITS.startPollMs));
    }
    return up();
  }

  /** Ends all processes in order: gateways drain first, models go last. A second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends all processes at once; `stop` resolves soon after. */
  kill(): void {
    void this.stop(); // cannot reject: each step of it ends in a kill
    for (const child of this.#children) {
      void child.stop(0); // cannot reject either
      child.kill();
    }
  }

  async #start(): Promise<void> {
    const { config, role, log } = this.#options;
    leaveMemoryOutOfCoreDumps();
    if (role !== 'backstage') requireListenerCertificates(config);
    makePrivateFolder(config.runDir);
    await refuseSecondSupervisor(this.#folder, role);
    this.#lock = new RunFolderLock(this.#folder, role);
    try {
      if (role !== 'gateway') this.#makeDataFolder(config);
      const silenceMs = config.gateway.heartbeatTimeoutMs;
      const orphans = await stopOrphans(this.#folder, { role, silenceMs, log });
      if (role !== 'backstage') {
        const patienceMs = orphans.length > 0 ? LIMITS.takeoverMs : 0;
        const held = this.#options.sockets ?? [];
        this.#sockets = await bindListeners(config, { patienceMs, held });
      }
      this.#status = await serveStatus(this.#folder.statusSocket(`supervisor-${role}`), {
        status: () => this.status(),
        // None can reject: each step of a stop ends in a kill, and a reload keeps its errors.
        commands: {
          stop: () => void this.stop(),
          reload: () => void this.reload('changed'),
          'restart-gateways': () => void this.reload('gateways'),
          'restart-all': () => void this.reload('all'),
        },
      });
    } catch (error) {
      for (const socket of this.#sockets) socket.close();
      this.#lock.release();
      throw error;
    }
    this.#children = processesOf(config, role).map((plan) =>
      this.#makeChild(plan, this.#launchOf(plan, config, this.#sockets)),
    );
    for (const child of this.#children) child.start();
    this.#watchHeartbeats();
  }

  /** Recording starts degraded without it, and heals; traffic does not need it. */
  #makeDataFolder({ dataDir }: Config): void {
    try {
      makePrivateFolder(dataDir);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error('the data folder cannot be used', {
        code: 'UND_DATA_FOLDER',
        reason,
      });
    }
  }

  #launchOf(plan: ProcessPlan, config: Config, sockets: readonly ListeningSocket[]): Launch {
    const input: ProcessInput = { config, name: plan.name, version: this.#options.version };
    if (plan.kind === 'gateway') {
      const held = sockets.map((socket) => socket.fd);
      const { fds, listeners } = handDown(held, config.listeners.length);
      return { input: JSON.stringify({ ...input, listeners } satisfies ProcessInput), fds };
    }
    // A service manager's descriptors are handed down by themselves: over theirs, others get nothing.
    const none = sockets.filter((socket) => socket.isInherited).map(() => 'ignore' as const);
    return { input: JSON.stringify(input), fds: none };
  }

  #makeChild(plan: ProcessPlan, launch: Launch): Child {
    const { role, log, programOf = entryOf } = this.#options;
    const yields = role === 'all' && plan.kind !== 'gateway';
    return new Child(plan, {
      program: programOf(plan.entry),
      launch,
      statusSocket: this.#folder.statusSocket(plan.name),
      onExit: (pid, goesOn) => {
        // A successor's note took the place of the one that it failed to succeed.
        const isForgotten = forgetProcess(this.#folder, plan.name, pid);
        if (isForgotten && goesOn !== 0) noteProcess(this.#folder, plan.name, goesOn);
      },
      onSpawn: (pid) => {
        noteProcess(this.#folder, plan.name, pid);
        if (yields) yieldToGateways(pid);
      },
      onFirstExit: (code) => {
        const isTaken = plan.kind === 'gateway' && code === EXIT_ADDRESS_TAKEN;
        // With a reload it only fails.
        if (isTaken && this.#reloads.status().requested === 0) this.#giveUpAddresses();
      },
      log,
    });
  }

  /** Two bound the same address within moments, and the other one listened first. */
  #giveUpAddresses(): void {
    const places = this.#sockets.map(({ address }) => formatAddress(address)).join(', ');
    this.#failure ??= new UnderstudyError(
      'UND_LISTEN_FAILED',
      `Cannot listen on ${places}: another process uses this address.`,
    );
    this.kill();
  }

  /** At once among those that a stop ends. */
  #addChild(plan: ProcessPlan, launch: Launch): Child {
    if (this.#stopping !== null) throw failed('This instance is being stopped.');
    const child = this.#makeChild(plan, launch);
    this.#children = [...this.#children, child];
    return child;
  }

  #watchHeartbeats(): void {
    let lastMs = monotonicMs();
    const tick = async (): Promise<void> => {
      const stallMs = monotonicMs() - lastMs - LIMITS.heartbeatIntervalMs;
      // Who was stopped itself cannot tell whether the others were silent.
      if (stallMs > LIMITS.heartbeatIntervalMs) {
        for (const child of this.#children) child.discount(stallMs);
      }
      await Promise.all(this.#children.map((child) => child.probe()));
      lastMs = monotonicMs();
      if (this.#stopping === null) this.#actOnSilence(monotonicMs());
    };
    // A tick cannot reject: probes are values. One that is late is not overtaken by the next.
    const loop = (): void => {
      this.#heartbeat = setTimeout(() => {
        void tick().then(() => {
          if (this.#stopping === null) loop();
        });
      }, LIMITS.heartbeatIntervalMs);
    };
    loop();
  }

  #actOnSilence(nowMs: number): void {
    const { heartbeatTimeoutMs } = this.#config.gateway;
    for (const child of this.#children) {
      const limitMs = child.state === 'starting' ? LIMITS.startTimeoutMs : heartbeatTimeoutMs;
      const silentMs = child.silentMs(nowMs);
      if (!(silentMs >= limitMs)) continue;
      const running = child.plan.kind === 'gateway' && child.state === 'running';
      // One gateway at a time: the others carry the traffic meanwhile.
      if (running && this.#children.some((other) => other.replacing)) continue;
      this.#options.log.error('process does not answer, it is replaced', {
        code: 'UND_PROCESS_SILENT',
        process: child.plan.name,
        silentMs: Math.round(silentMs),
      });
      if (running) child.replace();
      else child.kill();
    }
  }

  async #reloadOnce(scope: ReloadScope): Promise<void> {
    const { log } = this.#options;
    try {
      if (this.#stopping !== null) throw failed('This instance is being stopped.');
      await this.#putInForce(scope);
      this.#reloads.finish(null);
      log.info('configuration in force', { scope, processes: this.#children.length });
    } catch (error) {
      this.#reloads.finish(error);
      const { lastError } = this.#reloads.status();
      const code = error instanceof UnderstudyError ? error.code : 'UND_RELOAD_FAILED';
      log.error('reload failed, the old configuration stays in force', { code, reason: lastError });
    }
  }

  async #putInForce(scope: ReloadScope): Promise<void> {
    const { role, loadConfig } = this.#options;
    const before = this.#config;
    const config = loadConfig?.() ?? before;
    if (config.runDir !== before.runDir) {
      throw failed('runDir cannot change while an instance runs: stop it and start it again.');
    }
    if (role !== 'backstage') requireListenerCertificates(config);
    if (role !== 'gateway') this.#makeDataFolder(config);
    const held = this.#sockets;
    const children = this.#children;
    const sockets =
      role === 'backstage' ? [] : await bindListeners(config, { patienceMs: 0, held });
    const fds = new Set(held.map(({ fd }) => fd));
    const isForced = ({ kind }: ProcessPlan) =>
      scope === 'all' || (scope === 'gateways' && kind === 'gateway');
    try {
      this.#children = await rollOut({
        children: this.#children,
        steps: processesOf(config, role).map((plan) => ({
          plan,
          launch: this.#launchOf(plan, config, sockets),
          isUnchanged: !isForced(plan) && partOf(config, plan) === partOf(before, plan),
        })),
        drainMs: before.gateway.drainTimeoutMs + LIMITS.stopTimeoutMs,
        makeChild: (plan, launch) => this.#addChild(plan, launch),
      });
    } catch (error) {
      this.#children = children;
      for (const socket of sockets) if (!fds.has(socket.fd)) socket.close();
      throw error;
    }
    this.#sockets = sockets;
    this.#config = config;
    for (const socket of held) if (!sockets.some(({ fd }) => fd === socket.fd)) socket.close();
  }

  async #stop(): Promise<void> {
    const { log } = this.#options;
    const config = this.#config;
    log.info('stopping: gateways drain first', { drainTimeoutMs: config.gateway.drainTimeoutMs });
    clearTimeout(this.#heartbeat);
    // Now, while the gateways still have theirs: who connects when they have closed them is refused, and
    // does not wait in a queue that nobody will serve.
    for (const socket of this.#sockets) socket.close();
    for (const kind of STOP_ORDER) {
      const extraMs = kind === 'gateway' ? config.gateway.drainTimeoutMs : 0;
      const children = this.#children.filter((child) => child.plan.kind === kind);
      await Promise.all(children.map((child) => child.stop(LIMITS.stopTimeoutMs + extraMs)));
    }
    await this.#status?.close();
    this.#lock?.release();
    log.info('stopped');
    this.#stopped.resolve();
  }
}

function failed(reason: string): UnderstudyError {
  return new UnderstudyError('UND_RELOAD_FAILED', reason);
}
