/** A sample as redaction leaves it, and the rules of redaction that find nothing in it. */
import type { RouteConfig } from '../config/types.ts';
import { editJson } from '../mirror/redaction/edit-json.ts';
import { compileRedaction } from '../mirror/redaction/redaction.ts';
import { pointerTokens } from '../prediction/json-pointer.ts';

/** What a key's hashes look like is the same for all of them. */
const ANY_KEY = { id: 'sample', key: Buffer.alloc(32) };

export interface RedactedSample {
  /** What a candidate gets, and what can be captured. */
  readonly sent: unknown;
  readonly recorded: unknown;
  /** What can be read of an answer. */
  readonly answer: (answer: unknown) => unknown;
  /** `redact.request /iban finds nothing …`: one for each rule that does. */
  readonly faults: readonly string[];
}

/** @param sample.answers - of the incumbent and of candidates: a rule may be meant for one of them */
export function redactSample(
  route: RouteConfig,
  sample: {
    readonly request: unknown;
    readonly answers: readonly unknown[];
    readonly query: Readonly<Record<string, unknown>>;
  },
): RedactedSample {
  const { request, answers, query } = sample;
  const redaction = compileRedaction(route, { current: ANY_KEY });
  return {
    sent: applyTo(request, redaction?.sent ?? null),
    recorded: applyTo(request, redaction?.recorded ?? null),
    answer: (answer) => applyTo(answer, redaction?.answers ?? null),
    faults: [
      ...route.redact.request
        .filter(({ pointer }) => !finds(pointer, request))
        .map(({ pointer }) => `redact.request ${pointer} finds nothing in the sample request`),
      ...route.redact.answers
        .filter(({ pointer }) => !answers.some((answer) => finds(pointer, answer)))
        .map(({ pointer }) => `redact.answers ${pointer} finds nothing in the sample's answers`),
      ...route.redact.query
        .filter(({ name }) => !hasName(query, name))
        .map(({ name }) => `redact.query: the sample has no query parameter ${name}`),
    ],
  };
}

/** By the code that redacts: a pointer that it follows elsewhere would show here. */
function applyTo(value: unknown, redact: ((text: string) => string | null) | null): unknown {
  const text = redact === null ? null : redact(JSON.stringify(value));
  return text === null ? value : JSON.parse(text);
}

function finds(pointer: string, document: unknown): boolean {
  let count = 0;
  const replace = (source: string): string => {
    count += 1;
    return source;
  };
  editJson(JSON.stringify(document), [{ tokens: pointerTokens(pointer), replace }]);
  return count > 0;
}

function hasName(values: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.keys(values).some((known) => known.toLowerCase() === name.toLowerCase());
}
