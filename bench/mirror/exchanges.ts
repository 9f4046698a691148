/** What the bench's gateway offers: requests like those of the other benches, and real ones for the model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { answerBytes, requestBytes, SCORE_PATH } from '../request.ts';
import type { Exchange } from './feeder.ts';

const ROOT = join(import.meta.dirname, '../..');
const LOANS = 64;

/** @param bodyBytes - least size of a request's JSON */
export function plainExchanges(bodyBytes: number): Exchange[] {
  return [{ route: 'score', request: requestBytes(bodyBytes), answer: answerBytes() }];
}

/** Requests of the demo's data set: what its model scores. */
export function loanExchanges(): Exchange[] {
  const path = join(ROOT, 'models/lending-club/requests.ndjson');
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, LOANS);
  return lines.map((line) => {
    const body = JSON.stringify(JSON.parse(line).request);
    const head = `POST ${SCORE_PATH} HTTP/1.1\r\nHost: scoring\r\nContent-Type: application/json\r\n`;
    const request = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    return { route: 'score', request, answer: answerBytes() };
  });
}

/** Sections of a configuration with one route and these HTTP candidates. */
export function httpSections(ports: readonly number[], more: string, candidate = ''): string {
  const candidates = ports.map(
    (port, i) => `  - { name: c${i}, url: "http://127.0.0.1:${port}"${candidate} }\n`,
  );
  return `routes: [{ name: score, path: ${SCORE_PATH} }]\ncandidates:\n${candidates.join('')}${more}`;
}

/** The demo's own candidate. */
export function onnxSections(): string {
  const demo = parse(readFileSync(join(ROOT, 'config/demo.yaml'), 'utf8'));
  const [candidate] = demo.candidates;
  candidate.model = join(ROOT, 'config', candidate.model);
  return stringify({ routes: demo.routes, candidates: [candidate] });
}

export const ONNX_NAME = 'boosting';
