/** What is hidden of callers' requests and of answers, as code reads it. */

export interface RedactionConfig {
  /** Names, lower case, that no candidate is sent, besides the credentials that none ever is. */
  readonly denyHeaders: readonly string[];
  /** Names, lower case: nothing else of callers' headers is sent. `null`: all that is not denied. */
  readonly allowHeaders: readonly string[] | null;
  /** The first is in use; the others are those of earlier values. */
  readonly keys: readonly HmacKeyConfig[];
}

export interface HmacKeyConfig {
  /** Stands in each value that is hashed with it; one id is one key for ever. */
  readonly id: string;
  /** Absolute path. */
  readonly file: string;
}

/** `drop`: it goes. `mask`: `***` stands there. `hmac`: a keyed hash, so that equal values stay equal. */
export type RedactAction = 'drop' | 'mask' | 'hmac';

export interface RouteRedactionConfig {
  readonly request: readonly RequestRuleConfig[];
  /** Of both sides' answers, before they are read: candidates are never sent one. */
  readonly answers: readonly RedactionRuleConfig[];
  readonly query: readonly QueryRuleConfig[];
}

export interface RedactionRuleConfig {
  /** JSON Pointer, `*` for any one token. */
  readonly pointer: string;
  readonly action: RedactAction;
}

export interface RequestRuleConfig extends RedactionRuleConfig {
  /** `record`: candidates get the value, since they need it to score; what is recorded does not have it. */
  readonly from: 'all' | 'record';
}

export interface QueryRuleConfig {
  /** Of the parameter; upper and lower case are the same. */
  readonly name: string;
  readonly action: RedactAction;
}
