/**
 * What a route hides: compiled once, applied to a request and to both answers before anything of them is queued
 * for a candidate, compared or recorded.
 */
import type {
  QueryRuleConfig,
  RedactAction,
  RedactionRuleConfig,
  RouteRedactionConfig,
} from '../../config/types.ts';
import { pointerTokens } from '../../prediction/json-pointer.ts';
import { editJson, parseText } from './edit-json.ts';
import type { JsonEdit } from './edit-step.ts';
import { type HmacKeys, toHmac } from './hmac-keys.ts';

const MASK = '***';

/** @returns the text without what is hidden; `null`: it cannot be told apart, so none of it may be used */
export type BodyRedaction = (text: string) => string | null;

/** @returns what stands for a value; `null`: its parameter goes */
export type ParameterRedaction = (value: string) => string | null;

export interface Redaction {
  /** What candidates are sent of a request body; `null`: it stays as it is. */
  readonly sent: BodyRedaction | null;
  /** What may be recorded of a request body, without all that candidates are not sent; `sent` itself where no more is hidden. */
  readonly recorded: BodyRedaction | null;
  /** What may be read of an answer, of both sides. */
  readonly answers: BodyRedaction | null;
  /** By the parameter's name in lower case; `null`: there are none. */
  readonly query: ReadonlyMap<string, ParameterRedaction> | null;
  /** Whether all that this needs is there: false while a key cannot be read. */
  readonly isReady: boolean;
}

/** The key in use; see `HmacKeys`. */
export type CurrentKey = Pick<HmacKeys, 'current'>;

/**
 * @returns `null` where the route hides nothing, so that nothing is done for it
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function compileRedaction(
  { redact }: { readonly redact: RouteRedactionConfig },
  keys: CurrentKey,
): Redaction | null {
  const { request, answers, query } = redact;
  if (request.length + answers.length + query.length === 0) return null;
  const needsKey = [...request, ...answers, ...query].some(({ action }) => action === 'hmac');
  const recorded = compileBody(request, keys);
  const forAll = request.filter(({ from }) => from === 'all');
  return {
    sent: forAll.length === request.length ? recorded : compileBody(forAll, keys),
    recorded,
    answers: compileBody(answers, keys),
    query: compileQuery(query, keys),
    get isReady() {
      return !needsKey || keys.current !== null;
    },
  };
}

function compileBody(
  rules: readonly RedactionRuleConfig[],
  keys: CurrentKey,
): BodyRedaction | null {
  if (rules.length === 0) return null;
  const edits: JsonEdit[] = rules.map(({ pointer, action }) => ({
    tokens: pointerTokens(pointer),
    replace: (source) => {
      const hidden = hide(source.startsWith('"') ? parseText(source) : source, action, keys);
      return hidden === null ? null : JSON.stringify(hidden);
    },
  }));
  return (text) => editJson(text, edits);
}

function compileQuery(rules: readonly QueryRuleConfig[], keys: CurrentKey): Redaction['query'] {
  if (rules.length === 0) return null;
  // Of two for one name the first counts, as in bodies; of a map's entries the last.
  return new Map(
    rules
      .toReversed()
      .map(({ name, action }) => [name.toLowerCase(), (value) => hide(value, action, keys)]),
  );
}

/**
 * @param text - a string, or a number, list or object as it is written; `null`: a string that not every reader
 *   takes for one, which is hidden altogether
 */
function hide(text: string | null, action: RedactAction, keys: CurrentKey): string | null {
  if (action === 'drop') return null;
  const key = action === 'hmac' ? keys.current : null;
  return key === null || text === null ? MASK : toHmac(key, text);
}
