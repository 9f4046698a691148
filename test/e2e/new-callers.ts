/** Callers that come through a proxy: a connection for each request, and each must be answered rightly. */
import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { until } from '../support/until.ts';
import { drawNumber, scoreOf } from './exchanges.ts';

interface Place {
  readonly port: number;
  readonly host: string;
}

export class NewCallers {
  readonly #place: Place;
  readonly #loops: Promise<void>[];
  #isOver = false;
  answered = 0;
  /** What was not as it must be, in words. */
  readonly faults: string[] = [];
  /** When the first of them began, and the last had ended. */
  firstFaultMs = Number.NaN;
  lastFaultMs = Number.NaN;
  longestMs = 0;

  /**
   * @param place - a port of this machine, or where else
   * @param callers - at a time, each about 30 requests a second
   */
  constructor(place: number | Place, callers = 4) {
    this.#place = typeof place === 'number' ? { port: place, host: '127.0.0.1' } : place;
    this.#loops = Array.from({ length: callers }, () => this.#loop());
    onTestFinished(() => this.stop());
  }

  /** Waits until so many more have been answered. */
  async answers(count: number): Promise<void> {
    const target = this.answered + count;
    await until(`${count} more answers`, () => this.answered >= target, 30_000).catch(() => {
      throw new Error(`no ${count} more answers: ${this.faults.slice(-3).join('; ')}`);
    });
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #loop(): Promise<void> {
    while (!this.#isOver) {
      const startedMs = performance.now();
      const fault = await callOnce(this.#place);
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      if (fault === '') this.answered += 1;
      else {
        if (this.faults.push(fault) === 1) this.firstFaultMs = startedMs;
        this.lastFaultMs = performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

/** @returns what went wrong, in words */
function callOnce(place: Place): Promise<string> {
  let number = drawNumber();
  // An interim answer comes before each fourth: nginx 1.22 takes it for the final one, and waits.
  if (number % 4 === 3) number = drawNumber();
  const body = `{"amount":${number}}`;
  const headers = { 'x-number': number, 'content-length': body.length };
  return new Promise((resolve) => {
    const call = request(
      { ...place, method: 'POST', path: '/v1/score', headers, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('error', (error) => resolve(`${number}: ${error.message}`));
        answer.on('end', () => {
          const isRight = answer.statusCode === 200 && text.includes(`"score":${scoreOf(number)},`);
          resolve(isRight ? '' : `${number}: ${answer.statusCode} ${text.slice(0, 200)}`);
        });
      },
    );
    call.on('error', (error) => resolve(`${number}: ${error.message}`));
    call.setTimeout(20_000, () => void call.destroy(new Error('no byte in 20 s')));
    call.end(body);
  });
}
