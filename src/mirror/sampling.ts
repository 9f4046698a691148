/**
 * Which share of a route's exchanges is copied, and by what it is drawn. The first rule that matches an exchange
 * gives its share; what no rule matches has the route's own, as the rule `default`. A copy's probability is that
 * share times the candidate's rate, so that a rate of 0 stops all of them.
 */
import { createHmac } from 'node:crypto';
import type { RouteConfig, SamplingRuleConfig } from '../config/types.ts';
import { parseRequest } from '../framing/message.ts';
import { compilePointer, type Pointer } from '../prediction/json-pointer.ts';
import { parseJson } from '../prediction/parse-json.ts';
import { ExactNumbers, textAt } from './capture-fields.ts';
import { type DecodeLimits, decodeContent } from './content-coding.ts';
import { headerOf } from './header-of.ts';
import type { ParseBudget } from './parse-budget.ts';

export const DEFAULT_RULE = 'default';

/** How one exchange is drawn. */
export interface Sample {
  readonly rule: string;
  /** Share of the rule, 0 to 1. */
  readonly share: number;
  /** Value of the request that is drawn by; `null`: the exchange id. */
  readonly value: string | null;
  /** Whether a value was asked for and not found. */
  readonly isKeyMissing: boolean;
}

/** @param request - raw bytes */
export type Sampling = (request: Buffer) => Sample;

interface Reading {
  readonly limits: DecodeLimits;
  readonly budget: Pick<ParseBudget, 'allows'>;
}

interface CompiledRule {
  readonly config: SamplingRuleConfig;
  readonly values: ReadonlySet<string>;
  readonly pointer: Pointer | null;
}

/**
 * A body that cannot be read, or is too large to, matches no pointer and has no key.
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function compileSampling(route: Pick<RouteConfig, 'sampling'>, reading: Reading): Sampling {
  const { key, keyHeader, share, rules } = route.sampling;
  const keyPointer = key === '' ? null : compilePointer(key);
  const compiled: CompiledRule[] = rules.map((config) => ({
    config,
    values: new Set(config.equals),
    pointer: config.pointer === '' ? null : compilePointer(config.pointer),
  }));
  const rest = { rule: DEFAULT_RULE, share };
  const hasKey = keyPointer !== null || keyHeader !== '';
  if (!hasKey && rules.length === 0) {
    const always: Sample = { ...rest, value: null, isKeyMissing: false };
    return () => always;
  }
  return (bytes) => {
    const request = new RequestValues(bytes, reading);
    const matched = compiled.find(({ config, values, pointer }) => {
      const value = pointer === null ? request.header(config.header) : request.at(pointer);
      return value !== undefined && values.has(value);
    });
    const value =
      (keyPointer === null ? request.header(keyHeader) : request.at(keyPointer)) ?? null;
    return {
      ...(matched === undefined ? rest : { rule: matched.config.id, share: matched.config.share }),
      value,
      isKeyMissing: hasKey && value === null,
    };
  };
}

/** A key as a pair carries it: who has not the secret cannot tell the value from it, nor try values. */
export function toPairKey(secret: string, value: string): string {
  const mac = createHmac('sha256', secret).update(`selection key\0${value}`).digest('hex');
  return `hmac:${mac.slice(0, 32)}`;
}

/** Values of one request; its body is parsed once, and only when a pointer asks. */
class RequestValues {
  readonly #request: ReturnType<typeof parseRequest>;
  readonly #reading: Reading;
  #body: { readonly document: unknown; readonly exact: ExactNumbers } | null = null;

  constructor(bytes: Buffer, reading: Reading) {
    this.#request = parseRequest(bytes);
    this.#reading = reading;
  }

  /** @param name - lower case */
  header(name: string): string | undefined {
    if (this.#request === null || name === '') return undefined;
    const value = headerOf(this.#request.headers, name);
    return value === '' ? undefined : value;
  }

  at(pointer: Pointer): string | undefined {
    this.#body ??= this.#parse();
    return textAt(pointer, this.#body.document, this.#body.exact);
  }

  #parse(): { document: unknown; exact: ExactNumbers } {
    const text = this.#text();
    return { document: text === '' ? undefined : parseJson(text), exact: new ExactNumbers(text) };
  }

  #text(): string {
    if (this.#request === null) return '';
    const { limits, budget } = this.#reading;
    const encoding = headerOf(this.#request.headers, 'content-encoding');
    const decoded = decodeContent(this.#request.body, encoding, limits);
    if ('error' in decoded || !budget.allows(decoded.body.length)) return '';
    return decoded.body.toString('utf8');
  }
}
