/** What users write of redaction: headers and keys for all, places in requests and answers by route. */
import { z } from 'zod';
import { label, path, somePointer, text } from './checks.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';

const headerNames = z
  .array(text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'the name of a header'), {
    error: 'a list of names of headers',
  })
  .max(LIMITS.policyHeaders, { error: `at most ${LIMITS.policyHeaders} names of headers` });

const hmacKey = z.strictObject({
  id: label('an id of the key').meta({
    description: 'Stands in each value that is hashed with it; a new key has a new id.',
  }),
  file: path('a path').meta({ description: 'File of the key, 16 to 1024 bytes.' }),
});

export const redaction = z.strictObject({
  denyHeaders: headerNames.default([...DEFAULTS.redaction.denyHeaders]).meta({
    description: 'Headers of callers that no candidate is sent, besides all known credentials.',
  }),
  allowHeaders: headerNames.nullable().default(DEFAULTS.redaction.allowHeaders).meta({
    description: 'Of the other headers only these are sent; null: all of them.',
  }),
  keys: z
    .array(hmacKey, { error: 'a list of keys' })
    .max(LIMITS.hmacKeys, { error: `at most ${LIMITS.hmacKeys} keys` })
    .default([...DEFAULTS.redaction.keys])
    .meta({ description: 'Keys of the action hmac: the first is in use, the others were.' }),
});

const action = z
  .enum(['drop', 'mask', 'hmac'], { error: 'drop, mask or hmac' })
  .meta({ description: 'drop: it goes; mask: *** stands there; hmac: a keyed hash.' });

const place = somePointer.meta({
  description: 'JSON Pointer; * for any one token. All below it is hidden with it.',
});

const requestRule = z.strictObject({
  pointer: place,
  action,
  from: z
    .enum(['all', 'record'], { error: 'all or record' })
    .default(DEFAULTS.route.redact.from)
    .meta({ description: 'record: candidates get the value, and no record has it.' }),
});

const answerRule = z.strictObject({ pointer: place, action });

const queryRule = z.strictObject({
  name: text(/^[^&;=#\s]{1,100}$/, 'the name of a query parameter').meta({
    description: 'Name of the parameter; upper and lower case are the same.',
  }),
  action,
});

function rules<T extends z.ZodType>(rule: T) {
  return z
    .array(rule, { error: 'a list of rules' })
    .max(LIMITS.redactionRules, { error: `at most ${LIMITS.redactionRules} rules` });
}

/** Of a route. */
export const routeRedaction = z.strictObject({
  request: rules(requestRule).default([]).meta({
    description: 'What is hidden of request bodies, which must be JSON then.',
  }),
  answers: rules(answerRule).default([]).meta({
    description: 'What is hidden of both answers before they are read.',
  }),
  query: rules(queryRule).default([]).meta({
    description: 'What is hidden of the query that candidates are sent.',
  }),
});
