/**
 * Holds a configuration's JSON Pointers against a sample request and its answers: a pointer that finds nothing
 * would otherwise show only in pairs without predictions.
 *
 * The file: one sample, or a list of them.
 *
 *   { "route": "score",
 *     "request": { … },
 *     "headers": { "x-tier": "gold" },
 *     "query": { "customer": "c-1" },
 *     "answer": { … },
 *     "candidates": { "next": { … } } }
 *
 * `answer` is the incumbent's; candidates that are not named are taken to answer alike.
 */
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { CandidateConfig, Config, PredictionConfig, RouteConfig } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { compilePointer } from '../prediction/json-pointer.ts';
import { compileAnswerReader } from '../prediction/read-predictions.ts';
import type { Finding } from './probes.ts';
import { type RedactedSample, redactSample } from './sample-redaction.ts';

interface Sample {
  readonly route: string;
  readonly request: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Only redaction looks at it. */
  readonly query: Readonly<Record<string, unknown>>;
  readonly answer: unknown;
  readonly candidates: Readonly<Record<string, unknown>>;
}

/**
 * @returns what does not fit, a finding for each pointer
 * @throws {UnderstudyError} `UND_SAMPLE_FILE` the file cannot be read, or is no sample of this configuration
 */
export function checkSample(config: Config, path: string): Finding[] {
  return readSamples(path).flatMap((sample) => {
    const route = config.routes.find(({ name }) => name === sample.route);
    if (route === undefined) {
      const names = config.routes.map(({ name }) => name).join(', ');
      throw fault(
        `${path}: there is no route ${JSON.stringify(sample.route)}; there are: ${names}.`,
      );
    }
    const candidates = config.candidates.filter((c) => c.routes.includes(route.name));
    const { request, answer, query } = sample;
    const answers = [answer, ...Object.values(sample.candidates)];
    const redacted = redactSample(route, { request, answers, query });
    const ours = redacted.answer(answer);
    return [
      ...redacted.faults.map((fault) => finding(`routes ${route.name}: ${fault}.`)),
      ...requestFindings(route, sample, redacted),
      ...answerFindings(`routes ${route.name}, incumbent`, route.prediction, ours),
      ...candidates.flatMap((candidate) =>
        candidateFindings(candidate, route, { sample, redacted }),
      ),
    ];
  });
}

function readSamples(path: string): Sample[] {
  let value: unknown;
  try {
    if (statSync(path).size > LIMITS.sampleBytes) throw new Error('it is too large');
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fault(`The sample ${path} cannot be read: ${why}.`, cause);
  }
  const samples = (Array.isArray(value) ? value : [value]).map(toSample);
  if (samples.length === 0 || samples.some((sample) => sample === null)) {
    throw fault(`${path}: a sample is an object with route (a name), request and answer.`);
  }
  return samples.filter((sample) => sample !== null);
}

function toSample(value: unknown): Sample | null {
  if (!isRecord(value) || typeof value.route !== 'string') return null;
  const { route, request, answer, headers = {}, query = {}, candidates = {} } = value;
  if (request === undefined || answer === undefined) return null;
  return isRecord(headers) && isRecord(query) && isRecord(candidates)
    ? { route, request, answer, headers, query, candidates }
    : null;
}

function requestFindings(
  route: RouteConfig,
  { request, headers }: Sample,
  { recorded }: RedactedSample,
): Finding[] {
  const { capture, join, sampling } = route;
  const found: Finding[] = [];
  const expectValue = (key: string, pointer: string, document = request) => {
    const at = pointer === '' ? () => null : compilePointer(pointer);
    const value = at(document);
    if (value === undefined && at(request) !== undefined) {
      found.push(finding(`routes ${route.name}: ${key} ${pointer} is dropped by redact.`));
    } else if (value === undefined) found.push(nothing(route, key, pointer));
    else if (typeof value === 'object' && value !== null) {
      found.push(finding(`routes ${route.name}: ${key} ${pointer} finds a list or an object.`));
    }
  };
  for (const pointer of capture) expectValue('capture', pointer, recorded);
  expectValue('join', join, recorded);
  expectValue('sampling.key', sampling.key);
  const expectHeader = (key: string, header: string) => {
    if (Object.keys(headers).some((name) => name.toLowerCase() === header)) return;
    found.push(finding(`routes ${route.name}: ${key}: the sample has no header ${header}.`));
  };
  if (sampling.keyHeader !== '') expectHeader('sampling.keyHeader', sampling.keyHeader);
  for (const { id, pointer, header } of sampling.rules) {
    const key = `sampling rule ${id}`;
    if (pointer !== '') expectValue(key, pointer);
    else expectHeader(key, header);
  }
  return found;
}

function candidateFindings(
  candidate: CandidateConfig,
  route: RouteConfig,
  { sample, redacted }: { readonly sample: Sample; readonly redacted: RedactedSample },
): Finding[] {
  const found: Finding[] = [];
  if (candidate.kind === 'onnx') {
    for (const { name, pointer } of candidate.inputs) {
      if (compilePointer(pointer)(redacted.sent) !== undefined) continue;
      const key = `candidates ${candidate.name}: input ${name}`;
      found.push(
        finding(`${key}: ${pointer} finds nothing in the request of route ${route.name}.`),
      );
    }
    return found; // its answer is ours
  }
  const hasOwn = Object.hasOwn(sample.candidates, candidate.name);
  if (!hasOwn && candidate.prediction === null) return found;
  const answer = hasOwn ? sample.candidates[candidate.name] : sample.answer;
  const where = `routes ${route.name}, candidate ${candidate.name}`;
  const prediction = candidate.prediction ?? route.prediction;
  return [...found, ...answerFindings(where, prediction, redacted.answer(answer))];
}

function answerFindings(where: string, prediction: PredictionConfig, answer: unknown): Finding[] {
  const { error, modelVersion, predictions } = compileAnswerReader(prediction)(
    JSON.stringify(answer),
  );
  const found: Finding[] = [];
  if (error !== undefined) {
    const pointers = Object.entries(prediction).filter(([, pointer]) => pointer !== '');
    const by = pointers.map(([key, pointer]) => `prediction.${key} ${pointer}`).join(', ');
    found.push(finding(`${where}: the answer reads as ${error}, by ${by}.`));
  } else if (predictions.length === 0) {
    found.push(finding(`${where}: the answer has no prediction in ${prediction.items}.`));
  }
  if (prediction.modelVersion !== '' && modelVersion === undefined) {
    const key = `prediction.modelVersion ${prediction.modelVersion}`;
    found.push(finding(`${where}: ${key} finds no version; "" says that there is none.`));
  }
  return found;
}

function nothing(route: RouteConfig, key: string, pointer: string): Finding {
  return finding(`routes ${route.name}: ${key} ${pointer} finds nothing in the sample request.`);
}

function finding(message: string): Finding {
  return { code: 'UND_SAMPLE_POINTER', message };
}

function fault(message: string, cause?: unknown): UnderstudyError {
  return new UnderstudyError('UND_SAMPLE_FILE', message, { cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
