/**
 * One process that the supervisor keeps alive.
 *
 *   starting ── answers its status socket ──► running ── exits ──► waiting ── back-off ──► starting
 *      └──────────── any of them ── stop() ──► stopping ── exits ──► stopped
 *
 * A gateway that hangs is *replaced*: it retires, its successor starts beside it on the same listening
 * sockets and takes over the name of its status socket, and only when that one answers is it killed.
 * A gateway that works is *succeeded* in the same way, but is asked to drain, and goes on when its successor
 * does not come up. Of one child at most one process drains.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { LIMITS } from '../config/defaults.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { Log } from '../telemetry/log-lines.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import { Leaving } from './leaving.ts';
import type { ProcessPlan } from './process-plan.ts';

export type ChildState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped';

/** What the supervisor says of a child. */
export interface ChildStatus {
  readonly name: string;
  /** 0 where there is no process. */
  readonly pid: number;
  readonly state: ChildState;
  readonly restarts: number;
  /** `code 1`, `signal SIGKILL`, or why it could not be started; empty: it has not ended yet. */
  readonly lastExit: string;
  /** Processes that were succeeded and have not ended yet. */
  readonly draining: number;
}

/** What a process is started with; a reload gives another. */
export interface Launch {
  /** Standard input: a `ProcessInput` as JSON. */
  readonly input: string;
  /** Listening sockets, handed over as descriptors 3, 4, … */
  readonly fds: readonly (number | 'ignore')[];
}

export interface ChildOptions {
  /** Absolute path of its program. */
  readonly program: string;
  readonly launch: Launch;
  readonly statusSocket: string;
  /** Called right after each start, with its pid. */
  readonly onSpawn: (pid: number) => void;
  /** Called when a process of it has ended, with its pid, and the pid of the one that goes on; 0: none does. */
  readonly onExit: (pid: number, goesOn: number) => void;
  /** Called when it has ended by itself before it ever answered, with its exit code. */
  readonly onFirstExit?: (code: number) => void;
  readonly log: Log;
}

export class Child {
  readonly plan: ProcessPlan;
  readonly #options: ChildOptions;
  #launch: Launch;
  readonly #leaving: Leaving;
  #process: ChildProcess | null = null;
  readonly #retiring = new Set<ChildProcess>();
  #state: ChildState = 'stopped';
  #restarts = 0;
  #lastExit = '';
  #failures = 0;
  #startedMs = 0;
  #answeredMs = 0;
  #silentProbes = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended: (() => void) | undefined;
  /** It was asked to end so that it starts again. */
  #startsAgain = false;
  /** Its successor, while that comes up: where the process ends meanwhile, no third one is started. */
  #successor: ChildProcess | null = null;
  #succession: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;

  constructor(plan: ProcessPlan, options: ChildOptions) {
    this.plan = plan;
    this.#options = options;
    this.#launch = options.launch;
    this.#leaving = new Leaving(plan.name, options.log);
  }

  /** What it runs with, or is going to. */
  get launch(): Launch {
    return this.#launch;
  }

  get state(): ChildState {
    return this.#state;
  }

  status(): ChildStatus {
    return {
      name: this.plan.name,
      pid: this.#process?.pid ?? 0,
      state: this.#state,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      draining: this.#leaving.size,
    };
  }

  /** A replaced process that has not been killed yet. */
  get replacing(): boolean {
    return this.#retiring.size > 0;
  }

  /** Milliseconds since it last answered, or since its start; NaN where there is nothing to wait for. */
  silentMs(nowMs: number): number {
    if (this.#state === 'starting') return nowMs - this.#startedMs;
    return this.#state === 'running' && this.#silentProbes >= LIMITS.heartbeatProbes
      ? nowMs - this.#answeredMs
      : Number.NaN;
  }

  /** Takes the supervisor's own stall off the child's silence. */
  discount(stallMs: number): void {
    this.#startedMs += stallMs;
    if (this.#answeredMs > 0) this.#answeredMs += stallMs;
  }

  start(): void {
    this.#state = 'starting';
    this.#startedMs = monotonicMs();
    this.#silentProbes = 0;
    const child = this.#spawn(this.#launch);
    this.#process = child;
    this.#pollStart(child);
  }

  #spawn({ input, fds }: Launch): ChildProcess {
    const { program, onSpawn } = this.#options;
    // A session of its own: Ctrl-C reaches the supervisor alone, and a killed one takes nobody along.
    const child = spawn(process.execPath, [program], {
      stdio: ['pipe', 'inherit', 'inherit', ...fds],
      detached: true,
    });
    child.once('error', (error) => this.#onEnd(child, error.message));
    child.once('exit', (code, signal) => {
      const goesOn = child === this.#process ? 0 : (this.#process?.pid ?? 0);
      this.#options.onExit(child.pid ?? 0, goesOn);
      if (code !== null && this.#answeredMs === 0) this.#options.onFirstExit?.(code);
      this.#onEnd(child, signal === null ? `code ${code}` : `signal ${signal}`);
    });
    // It may end before it has read its input; its exit says so.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    if (child.pid !== undefined) onSpawn(child.pid);
    return child;
  }

  /**
   * Starts a successor beside a process that works; when it answers, the old one is asked to drain.
   *
   * @param drainMs - after so long the old one is killed
   * @returns false: the successor did not come up and is gone, and all is as it was
   */
  async succeed(launch: Launch, drainMs: number): Promise<boolean> {
    await this.#leaving.settled();
    if (this.#stopped !== null) return false;
    if (this.#state !== 'running') return this.restart(launch, drainMs);
    const succession = this.#comeUp(launch, drainMs);
    this.#succession = succession;
    return succession;
  }

  async #comeUp(launch: Launch, drainMs: number): Promise<boolean> {
    const next = this.#spawn(launch);
    this.#successor = next;
    let isOver = false;
    next.once('exit', () => {
      isOver = true;
    });
    next.once('error', () => {
      isOver = true;
    });
    const deadlineMs = monotonicMs() + LIMITS.startTimeoutMs;
    while ((await this.#pidThatAnswers()) !== next.pid) {
      if (isOver || this.#stopped !== null || monotonicMs() >= deadlineMs) {
        return this.#giveUp(next, drainMs);
      }
      await new Promise((resolve) => setTimeout(resolve, LIMITS.startPollMs));
    }
    if (isOver || this.#stopped !== null) return this.#giveUp(next, drainMs);
    this.#successor = null;
    clearTimeout(this.#timer);
    const before = this.#process;
    this.#launch = launch;
    this.#process = next;
    this.#startedMs = monotonicMs();
    this.#answeredMs = monotonicMs();
    this.#onUp();
    if (before !== null) this.#leaving.see(before, drainMs);
    return true;
  }

  /**
   * The one before goes on; where it has ended meanwhile, it starts again. The successor may have callers
   * long before it answers here: it leaves as any other does.
   */
  #giveUp(next: ChildProcess, drainMs: number): false {
    this.#successor = null;
    if (next.pid !== undefined) this.#leaving.see(next, drainMs);
    if (this.#process === null && this.#stopped === null) this.start();
    return false;
  }

  /** Resolves when all processes that it has succeeded have ended; each has its deadline. */
  drained(): Promise<void> {
    return this.#leaving.settled();
  }

  /**
   * Ends the process, and starts it with another launch.
   *
   * @returns whether it answers; false: it is being started again and again, like any that fails
   */
  async restart(launch: Launch, stopMs: number): Promise<boolean> {
    if (this.#stopped !== null) return false;
    this.#launch = launch;
    clearTimeout(this.#timer);
    this.#failures = 0;
    const before = this.#process;
    if (before === null) this.start();
    else {
      this.#state = 'starting';
      this.#startedMs = monotonicMs();
      this.#startsAgain = true;
      before.kill('SIGTERM');
      const deadline = setTimeout(() => before.kill('SIGKILL'), stopMs);
      before.once('exit', () => clearTimeout(deadline));
    }
    const deadlineMs = monotonicMs() + stopMs + LIMITS.startTimeoutMs;
    while (this.state !== 'running') {
      const hasFailed = this.state === 'waiting' || this.#stopped !== null;
      if (hasFailed || monotonicMs() >= deadlineMs) return false;
      await new Promise((resolve) => setTimeout(resolve, LIMITS.startPollMs));
    }
    return true;
  }

  /** Asks for its status; the answer, or its absence, is all that a heartbeat is. */
  async probe(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const pid = await this.#pidThatAnswers();
    if (child !== this.#process) return;
    if (pid !== child.pid) {
      this.#silentProbes += 1;
      return;
    }
    this.#silentProbes = 0;
    this.#answeredMs = monotonicMs();
    if (this.#state === 'starting' && !this.#startsAgain) this.#onUp();
  }

  /** Starts a successor beside a process that hangs. */
  replace(): void {
    if (this.#process !== null) this.#retiring.add(this.#process);
    this.#restarts += 1;
    this.#lastExit = 'no heartbeat';
    this.start();
  }

  /** Kills the process; unless it is being stopped, the next one starts after the back-off. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  /**
   * Asks it to end, and kills it when it has not ended in time. Only the first call counts.
   *
   * @param signal - LEAVE_SIGNAL where other gateways go on
   * @returns resolved when it is gone
   */
  stop(timeoutMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs, signal);
    return this.#stopped;
  }

  async #stop(timeoutMs: number, signal: NodeJS.Signals): Promise<void> {
    clearTimeout(this.#timer);
    // A successor that comes up gives up, and then is among those that leave.
    const gone = this.#succession.then(() => this.#leaving.settled());
    await Promise.all([this.#stopProcess(timeoutMs, signal), gone]);
  }

  async #stopProcess(timeoutMs: number, signal: NodeJS.Signals): Promise<void> {
    for (const hung of this.#retiring) hung.kill('SIGKILL');
    if (this.#process === null) {
      this.#state = 'stopped';
      return;
    }
    this.#state = 'stopping';
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#signal(signal);
    const deadline = setTimeout(() => {
      this.#options.log.warn('process did not end in time', { process: this.plan.name });
      this.kill();
    }, timeoutMs);
    await ended;
    clearTimeout(deadline);
  }

  #signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
    if (signal !== 'SIGKILL') return;
    for (const hung of this.#retiring) hung.kill(signal);
    if (this.#stopped !== null) this.#successor?.kill(signal);
    this.#leaving.kill();
  }

  async #pidThatAnswers(): Promise<number> {
    try {
      const status = await readStatus<{ pid?: unknown }>(this.#options.statusSocket);
      return typeof status.pid === 'number' ? status.pid : 0;
    } catch {
      return 0;
    }
  }

  /** Until it has answered once; then the supervisor's heartbeat takes over. */
  #pollStart(child: ChildProcess): void {
    this.#timer = setTimeout(async () => {
      if (child !== this.#process || this.#state !== 'starting') return;
      await this.probe();
      if (child === this.#process && this.#state === 'starting') this.#pollStart(child);
    }, LIMITS.startPollMs);
  }

  #onUp(): void {
    this.#state = 'running';
    const { name } = this.plan;
    const pid = this.#process?.pid ?? 0;
    this.#options.log.info('process is up', { process: name, pid, restarts: this.#restarts });
    for (const hung of this.#retiring) hung.kill('SIGKILL');
  }

  #onEnd(child: ChildProcess, how: string): void {
    if (this.#retiring.delete(child) || child !== this.#process) return;
    clearTimeout(this.#timer);
    this.#process = null;
    this.#lastExit = how;
    if (this.#state === 'stopping') {
      this.#state = 'stopped';
      this.#ended?.();
      return;
    }
    if (this.#startsAgain) {
      this.#startsAgain = false;
      this.start();
      return;
    }
    const aliveMs = monotonicMs() - this.#startedMs;
    if (aliveMs >= LIMITS.restartHealthyMs) this.#failures = 0;
    const delayMs = Math.min(LIMITS.restartMinMs * 2 ** this.#failures, LIMITS.restartMaxMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    this.#state = 'waiting';
    this.#options.log.warn('process ended, starting it again', {
      code: 'UND_PROCESS_ENDED',
      process: this.plan.name,
      pid: child.pid ?? 0,
      exit: how,
      delayMs,
    });
    if (this.#successor !== null) return;
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      this.start();
    }, delayMs);
  }
}
