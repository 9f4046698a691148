/** What the importers of public corpora share: one entry of a corpus, and how it becomes a case of ours. */
import { readStrictly } from '../../support/strict-parser.ts';

/** An entry as its corpus has it. Text is latin1. */
export interface Entry {
  readonly id: string;
  readonly request: string;
  /** Only where the entry is about an answer. */
  readonly answer?: string;
  /** What the corpus expects of a strict reader: it takes the message, or does not; `null`: it leaves it open. */
  readonly taken: boolean | null;
  /** Its own words for that, short. */
  readonly says: string;
}

/** Our own judgement of an entry, where it is not the corpus'. */
export interface Judgement {
  /** The entry re-expressed, where its own bytes end too early or mix two matters. */
  readonly request: string;
  readonly answer: string;
  readonly clear: number;
  readonly doubt: string;
  readonly why: string;
  readonly cut: boolean;
  readonly last: boolean;
  readonly ends: boolean;
  readonly state: string;
  readonly answerDoubt: string;
  readonly node: string;
}

export type Judgements = Readonly<Record<string, Partial<Judgement>>>;

/** One request that asks for another protocol: followed to its end, and nothing after it. */
export const UPGRADE: Partial<Judgement> = {
  clear: 1,
  doubt: '',
  state: 'ineligible(upgrade)',
  last: true,
  node: 'leaves the connection to whoever upgrades it',
};

/** A valid request with a method that llhttp has no name for. */
export const METHOD: Partial<Judgement> = {
  clear: 1,
  doubt: '',
  state: 'ineligible(method)',
  node: 'knows a list of methods, and no others',
};

/** It ends before it is whole: no request. */
export const CUT: Partial<Judgement> = { clear: 0, doubt: '', cut: true };

/** A case as it is written to the data file: keys as in `OracleCase`. */
export type Draft = { readonly id: string; readonly request: string } & Record<string, unknown>;

/** Bytes as latin1 text; what is no single byte is taken as UTF-8. */
export function toLatin1(text: string): string {
  return text.replace(/[^\0-\xff]/g, (letter) => Buffer.from(letter).toString('latin1'));
}

const REQUEST_LINE = /(^|\r\n)([A-Z][A-Z-]* (\S+) HTTP\/1\.1\r\n)/;

/** A Host for the first request where it has none: otherwise that alone would be in doubt. */
export function withHost(raw: string): string {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n') + 2);
  if (/\r\nhost[ \t]*:/i.test(head)) return raw;
  return raw.replace(REQUEST_LINE, (_, start: string, line: string, target: string) => {
    const authority = /^https?:\/\/([^/?#]+)/i.exec(target)?.[1];
    return `${start}${line}Host: ${authority ?? 'h'}\r\n`;
  });
}

/** @throws {Error} naming an entry that nobody has judged */
export function toCase(entry: Entry, judgements: Judgements): Draft {
  const { id, answer: said, says } = entry;
  const judged = judgements[id];
  if (entry.taken === null && judged === undefined) throw new Error(`judge ${id}: ${says}`);
  const isTaken = entry.taken === true;
  const own =
    said === undefined
      ? { clear: isTaken ? 1 : 0, doubt: isTaken ? '' : 'any' }
      : { clear: 1, doubt: '', ...(isTaken ? {} : { answerDoubt: 'any', last: true }) };
  const draft = { id, request: entry.request, ...own, why: says, answer: said, ...judged };
  const { request, answer, doubt } = draft;
  if (judged?.answerDoubt !== undefined) Object.assign(draft, { last: true });
  const closing = doubt === '' && judged?.cut !== true && isLast(request) ? { last: true } : {};
  return { ...draft, ...closing, ...(answer === undefined ? {} : partsOf(request, answer, draft)) };
}

function isLast(request: string): boolean {
  return /^CONNECT |\r\nupgrade:/i.test(request) || isClosing(request);
}

/** Interim answers before the final one, what nobody asked for after it, and whether it ends by the end. */
function partsOf(request: string, answer: string, draft: object): Record<string, unknown> {
  if ('state' in draft) return {};
  const answers = [request.split(' ')[0] ?? ''];
  const bytes = Buffer.from(answer, 'latin1');
  const isFinal = ({ status }: { readonly status: number }) => status >= 200;
  const open = readStrictly(bytes, { answers }).messages.find(isFinal);
  const final = open ?? readStrictly(bytes, { answers, ends: true }).messages.find(isFinal);
  const doubt = 'answerDoubt' in draft ? draft.answerDoubt : undefined;
  if (final === undefined || (doubt !== undefined && doubt !== 'unexpected_answer')) return {};
  const surplus = doubt === undefined ? 0 : bytes.length - final.to;
  return {
    ...(final.from > 0 ? { interimBytes: final.from } : {}),
    ...(surplus > 0 ? { surplusBytes: surplus } : {}),
    ...(surplus === 0 && (isClosing(answer) || open === undefined) ? { ends: true } : {}),
  };
}

function isClosing(message: string): boolean {
  const head = message.slice(0, message.indexOf('\r\n\r\n') + 2);
  if (/\r\nconnection:[^\r]*\bclose\b/i.test(head)) return true;
  return (
    /HTTP\/1\.0/.test(head.split('\r\n')[0] ?? '') && !/\r\nconnection:[^\r]*keep-alive/i.test(head)
  );
}
