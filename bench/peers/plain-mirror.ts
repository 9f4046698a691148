/**
 * The mirror that a user would write first: each copy with `undici.request`, both answers with `JSON.parse`, a line of
 * JSON to a file. It gets the same exchanges over the same wire, and its reader of the wire for nothing. No cap, no
 * breaker, no redaction, no deadline, no counts; what is in its memory when it dies is gone.
 *
 *   node bench/peers/plain-mirror.ts SOCKET CANDIDATE_PORT FILE
 */
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { request } from 'undici';
import { WireDecoder } from '../../src/wire/decoder.ts';
import type { ExchangeFrame } from '../../src/wire/messages.ts';

const [path = '', port = '', file = ''] = process.argv.slice(2);
const lines = createWriteStream(file);
const HEAD_END = '\r\n\r\n';
const LIMIT = 64 * 1_024 * 1_024;

interface Answer {
  readonly score: number;
  readonly label: string;
}

createServer((socket) => {
  const limits = { maxRequestBytes: LIMIT, maxAnswerBytes: LIMIT, maxJsonBytes: LIMIT };
  const decoder = new WireDecoder(limits);
  socket.on('data', (chunk) => {
    for (const message of decoder.push(chunk)) {
      // Cannot reject: what goes wrong is written, too.
      if (message.type === 'exchange') void mirror(message.frame);
    }
  });
}).listen(path);

async function mirror(frame: ExchangeFrame): Promise<void> {
  const asked = partsOf(frame.request);
  const [method = '', target = ''] = asked.head[0]?.split(' ') ?? [];
  const headers = Object.fromEntries(
    asked.head.slice(1).map((line) => line.split(': ', 2) as [string, string]),
  );
  try {
    const startedMs = performance.now();
    const answer = await request(`http://127.0.0.1:${port}${target}`, {
      method: method as 'POST',
      headers,
      body: asked.body,
    });
    const candidate = JSON.parse(await answer.body.text()) as Answer;
    const incumbent = JSON.parse(partsOf(frame.answer).body) as Answer;
    const pair = {
      seq: frame.seq,
      time: new Date(frame.wallMs).toISOString(),
      status: answer.statusCode,
      latencyMs: performance.now() - startedMs,
      incumbent,
      candidate,
      scoreDelta: candidate.score - incumbent.score,
      labelFlip: candidate.label !== incumbent.label,
    };
    lines.write(`${JSON.stringify(pair)}\n`);
  } catch (error) {
    lines.write(`${JSON.stringify({ seq: frame.seq, error: String(error) })}\n`);
  }
}

function partsOf(message: Buffer): { readonly head: string[]; readonly body: string } {
  const text = message.toString('utf8');
  const end = text.indexOf(HEAD_END);
  return { head: text.slice(0, end).split('\r\n'), body: text.slice(end + HEAD_END.length) };
}
