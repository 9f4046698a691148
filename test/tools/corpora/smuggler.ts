/**
 * defparam/smuggler, `configs/default.py` (MIT): 134 ways to write one Transfer-Encoding line, each once with
 * a body for a reader of the length and once for a reader of the chunks. Written anew from its table of
 * patterns; of lines that come out alike, one is kept.
 */
import type { Draft } from './draft.ts';

const BYTES = [0x01, 0x04, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1f, 0x20, 0x7f, 0xa0, 0xff];
const TE = 'Transfer-Encoding';

const NAMED: readonly (readonly [string, string])[] = [
  ['nameprefix1', ` ${TE}: chunked`],
  ['tabprefix1', `${TE}:\tchunked`],
  ['tabprefix2', `${TE}\t:\tchunked`],
  ['space1', `${TE} : chunked`],
];

const PATTERNS: readonly (readonly [string, (c: string) => string])[] = [
  ['midspace', (c) => `${TE}:${c}chunked`],
  ['postspace', (c) => `${TE}${c}: chunked`],
  ['prespace', (c) => `${c}${TE}: chunked`],
  ['endspace', (c) => `${TE}: chunked${c}`],
  ['xprespace', (c) => `X: X${c}${TE}: chunked`],
  ['endspacex', (c) => `${TE}: chunked${c}X: X`],
  ['rxprespace', (c) => `X: X\r${c}${TE}: chunked`],
  ['xnprespace', (c) => `X: X${c}\n${TE}: chunked`],
  ['endspacerx', (c) => `${TE}: chunked\r${c}X: X`],
  ['endspacexn', (c) => `${TE}: chunked${c}\nX: X`],
];

const BODIES = [
  ['te.cl', '0\r\n\r\nX'],
  ['cl.te', '1\r\nZ\r\n0\r\n\r\n'],
] as const;

/** The line hides behind a value: white space and obs-text may stand in one. There is no coding then. */
const HIDDEN = new Set(['xprespace-09', 'xprespace-20', 'xprespace-a0', 'xprespace-ff']);

export function smugglerCases(): Draft[] {
  const lines = [
    ...NAMED,
    ...BYTES.flatMap((byte) =>
      PATTERNS.map(([name, write]): readonly [string, string] => {
        const code = byte.toString(16).padStart(2, '0');
        return [`${name}-${code}`, write(String.fromCharCode(byte))];
      }),
    ),
  ];
  const distinct = lines.filter(
    ([, line], i) => lines.findIndex((other) => other[1] === line) === i,
  );
  return distinct.flatMap(([name, line]) =>
    BODIES.map(([kind, body]): Draft => {
      const isHidden = HIDDEN.has(name);
      return {
        id: `smuggler/${name} ${kind}`,
        request: `POST /?cb=1 HTTP/1.1\r\n${line}\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        clear: isHidden ? 1 : 0,
        doubt: isHidden ? '' : 'any',
        why: isHidden ? 'RFC 9110 5.5: a value of another field' : 'RFC 9112 5, 6.1, 6.3',
      };
    }),
  );
}
