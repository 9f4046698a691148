/** What a configuration will cost at a given traffic: load, memory, disk, network. Estimates from `MEASURED`. */
import { statSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { CandidateConfig, Config, RouteConfig } from '../config/types.ts';
import { MEASURED } from './measured.ts';

export interface PlanInput {
  /** Requests a second on all routes together; they are taken to be spread evenly over the routes. */
  readonly rps: number;
  /** Predictions of one answer. */
  readonly predictions: number;
}

export interface CandidatePlan {
  readonly name: string;
  /** Copies a second that rate and sampling ask for; `most` where each request matches the largest rule. */
  readonly asked: number;
  readonly most: number;
  /** After the cap of copies a second and the daily budget. */
  readonly sent: number;
  /** Copies in flight at which `maxInFlight` is reached, ms of service time: what its latency must stay below. */
  readonly latencyMsMax: number;
}

export interface Plan {
  readonly candidates: readonly CandidatePlan[];
  /** Pairs a second, all candidates. */
  readonly pairsPerSecond: number;
  readonly gatewayBytes: number;
  readonly mirrorBytes: number;
  readonly modelBytes: number;
  readonly otherBytes: number;
  /** Share of one core, 1 = a whole one. */
  readonly gatewayCores: number;
  readonly mirrorCores: number;
  readonly journalBytesPerDay: number;
  /** Size at which what comes equals what leaves after `retentionMs`. */
  readonly journalBytesHeld: number;
  /** `null`: it never gets there. */
  readonly daysUntilJournalCap: number | null;
  readonly kafkaBytesPerSecond: number;
}

export function makePlan(config: Config, { rps, predictions }: PlanInput): Plan {
  const perRoute = rps / config.routes.length;
  const candidates = config.candidates.map((candidate) =>
    planCandidate(candidate, config, perRoute),
  );
  const pairsPerSecond = candidates.reduce((sum, { sent }) => sum + sent, 0);
  const record =
    MEASURED.pairBytes.value +
    MEASURED.predictionBytes.value * (predictions - 1) +
    MEASURED.capturedBytes.value * mean(config.routes.map(({ capture }) => capture.length));
  const { journal, mirror, gateway, kafka } = config;
  const onDisk = record + MEASURED.journalExtraBytes.value;
  const journalBytesPerDay = onDisk * pairsPerSecond * (LIMITS.dayMs / 1_000);
  const journalBytesHeld = (journalBytesPerDay * journal.retentionMs) / LIMITS.dayMs;
  const isCapped = journalBytesHeld > journal.maxBytes;
  const copied = Math.min(rps, copiedPerSecond(config, perRoute));
  return {
    candidates,
    pairsPerSecond,
    gatewayBytes:
      gateway.processes *
      (MEASURED.gatewayBytes.value + gateway.maxHeldBytes + gateway.maxWireBytes),
    mirrorBytes:
      MEASURED.mirrorBytes.value +
      mirror.maxQueuedBytes +
      mirror.maxParseBytes * (1 + LIMITS.parseShare) +
      journal.maxPendingBytes +
      (kafka === null ? 0 : LIMITS.publisherQueuedBytes),
    modelBytes: modelBytes(config.candidates),
    otherBytes: MEASURED.otherBytes.value,
    gatewayCores:
      (copied * MEASURED.gatewayCopyUs.value + (rps - copied) * MEASURED.gatewayOffUs.value) / 1e6,
    mirrorCores: (pairsPerSecond * MEASURED.mirrorPairUs.value) / 1e6,
    journalBytesPerDay,
    journalBytesHeld: Math.min(journalBytesHeld, journal.maxBytes),
    daysUntilJournalCap: isCapped ? journal.maxBytes / journalBytesPerDay : null,
    kafkaBytesPerSecond:
      kafka === null ? 0 : pairsPerSecond * (record + MEASURED.kafkaExtraBytes.value),
  };
}

function planCandidate(
  candidate: CandidateConfig,
  { routes }: Config,
  perRoute: number,
): CandidatePlan {
  const own = routes.filter(({ name }) => candidate.routes.includes(name));
  const asked = own.reduce((sum, { sampling }) => sum + perRoute * sampling.share, 0);
  const most = own.reduce((sum, route) => sum + perRoute * largestShare(route), 0);
  const { rate, maxRequestsPerSecond, maxRequestsPerDay, maxInFlight } = candidate;
  const caps = [
    maxRequestsPerSecond === 0 ? Number.POSITIVE_INFINITY : maxRequestsPerSecond,
    maxRequestsPerDay === 0 ? Number.POSITIVE_INFINITY : maxRequestsPerDay / (LIMITS.dayMs / 1_000),
  ];
  const sent = Math.min(asked * rate, ...caps);
  return {
    name: candidate.name,
    asked: asked * rate,
    most: most * rate,
    sent,
    latencyMsMax: sent === 0 ? Number.POSITIVE_INFINITY : (maxInFlight / sent) * 1_000,
  };
}

/** Exchanges of which the gateway makes a frame: for the candidate with the largest rate. */
function copiedPerSecond({ routes, candidates }: Config, perRoute: number): number {
  return routes.reduce((sum, route) => {
    const rates = candidates.filter((c) => c.routes.includes(route.name)).map(({ rate }) => rate);
    const rate = Math.max(0, ...rates);
    const isDrawnByValue = route.sampling.key !== '' && rate > 0;
    return sum + perRoute * (isDrawnByValue ? 1 : rate * largestShare(route));
  }, 0);
}

function largestShare({ sampling }: RouteConfig): number {
  return Math.max(sampling.share, ...sampling.rules.map(({ share }) => share));
}

/** Each model process, with its file in memory twice: as read, and as the runtime keeps it. */
function modelBytes(candidates: readonly CandidateConfig[]): number {
  return candidates.reduce((sum, candidate) => {
    if (candidate.kind !== 'onnx') return sum;
    const size = statSync(candidate.model, { throwIfNoEntry: false })?.size ?? 0;
    return sum + MEASURED.modelBytes.value + 2 * size;
  }, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
