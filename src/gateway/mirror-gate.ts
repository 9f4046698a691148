/** What is cheap to decide at a request's head: route, mark, mirror switch, selection by exchange id. */
import type { Config } from '../config/types.ts';
import type { RequestHead } from '../framing/request-head.ts';
import type { SettingsReader } from '../telemetry/settings-reader.ts';
import { hourOf } from '../wire/exchange-states.ts';
import { drawnNumber } from '../wire/selection.ts';
import { Exchange } from './exchange.ts';
import { fieldValue } from './field-value.ts';
import type { ForeignMarkAlarm } from './foreign-mark-alarm.ts';
import { compileRoutes, type RouteMatch } from './routes.ts';

export interface MirrorGateOptions {
  readonly config: Pick<Config, 'routes' | 'candidates'>;
  readonly settings: Pick<SettingsReader, 'settings' | 'paused' | 'rateOf' | 'onChange'>;
  /** The experiment's selection secret. */
  readonly secret: string;
  readonly epoch: string;
  /** Told of each request with a shadow mark. */
  readonly alarm: Pick<ForeignMarkAlarm, 'note'>;
}

interface Verdict {
  /** Empty: to be mirrored. */
  readonly state: '' | 'ineligible' | 'paused' | 'not_selected';
  readonly reason: string;
}

const MIRRORED: Verdict = { state: '', reason: '' };

export class MirrorGate {
  readonly #options: MirrorGateOptions;
  readonly #isDrawnByValue: readonly boolean[];
  readonly #match: (method: string, target: string) => RouteMatch;
  /** By route: the largest probability that a copy of it can have. */
  #rates: number[] = [];
  #lastNumber = 0;

  constructor(options: MirrorGateOptions) {
    this.#options = options;
    this.#match = compileRoutes(options.config.routes);
    this.#isDrawnByValue = options.config.routes.map(({ sampling }) => sampling.key !== '');
    this.#readRates();
    options.settings.onChange(() => this.#readRates());
  }

  /**
   * Opens an exchange, with its state where one is decided already.
   *
   * @param wallMs - Unix ms at which the head was complete
   */
  open(head: RequestHead, wallMs: number): Exchange {
    const match = this.#match(head.method, head.target);
    this.#lastNumber += 1;
    const exchange = new Exchange(this.#lastNumber, match.route, hourOf(wallMs));
    const { state, reason } = this.#decide(exchange, head, match);
    exchange.state = state;
    exchange.reason = reason;
    return exchange;
  }

  /**
   * Draws an exchange by a field of its head.
   *
   * @param bytes - begin with the whole head
   * @returns whether it is selected
   */
  drawByHeader(exchange: Exchange, bytes: Buffer): boolean {
    const value = fieldValue(bytes, exchange.keyHeader);
    exchange.keyHeader = '';
    exchange.u = drawnNumber(this.#options.secret, value === '' ? this.idOf(exchange) : value);
    return exchange.u < exchange.rate;
  }

  /** Id of an exchange: the epoch and its number. */
  idOf(exchange: Exchange | null): string {
    return `${this.#options.epoch}.${exchange?.number ?? 0}`;
  }

  #decide(exchange: Exchange, head: RequestHead, match: RouteMatch): Verdict {
    const { settings, secret, epoch } = this.#options;
    if (head.upgrade) return { state: 'ineligible', reason: 'upgrade' };
    if (match.reason !== '') return { state: 'ineligible', reason: match.reason };
    // The mark is not checked, only seen: a caller that forges it is not mirrored, and shows.
    if (head.watched) {
      this.#options.alarm.note(exchange.route);
      return { state: 'ineligible', reason: 'foreign_mark' };
    }
    if (settings.paused !== '') return { state: 'paused', reason: settings.paused };
    const rate = this.#rates[match.index] ?? 0;
    exchange.rate = rate;
    exchange.settingsVersion = settings.settings.version;
    // What is drawn by a value of the body is drawn in the mirror, which reads bodies.
    if (rate >= 1 || (rate > 0 && this.#isDrawnByValue[match.index] === true)) return MIRRORED;
    const keyHeader = this.#options.config.routes[match.index]?.sampling.keyHeader ?? '';
    if (rate > 0 && keyHeader !== '') {
      exchange.keyHeader = keyHeader;
      return MIRRORED;
    }
    if (rate > 0) exchange.u = drawnNumber(secret, `${epoch}.${exchange.number}`);
    return exchange.u < rate ? MIRRORED : { state: 'not_selected', reason: '' };
  }

  #readRates(): void {
    const { config, settings } = this.#options;
    this.#rates = config.routes.map((route) => {
      const rates = config.candidates
        .filter((candidate) => candidate.routes.includes(route.name))
        .map((candidate) => settings.rateOf(candidate.name));
      const { share, rules } = route.sampling;
      return Math.max(0, ...rates) * Math.max(share, ...rules.map((rule) => rule.share));
    });
  }
}
