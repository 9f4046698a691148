/** Statuses → the text of `/metrics`. Everything is built at the scrape; only the books have a memory. */
import { Registry } from '@prometheus-io/client';
import type { AnalysisStatus } from '../analysis/analysis-messages.ts';
import type { BodyCaps, MirrorStatus } from '../record/mirror-status.ts';
import type { RecorderStatus } from '../record/recorder-port.ts';
import type { HistogramSnapshot } from '../telemetry/histogram.ts';
import type { GatewayStatus, IncumbentStatus, ListenerTlsStatus } from '../wire/gateway-status.ts';
import { addAnalysis } from './analysis-metrics.ts';
import type { BookMemory } from './book-memory.ts';
import { addGuard } from './guard-metrics.ts';
import type { InstanceStatus, ProcessStatus } from './instance-status.ts';
import { METRICS, type MetricName } from './metric-table.ts';

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

export interface MetricsInput {
  readonly status: InstanceStatus;
  /** Heard of this status already. */
  readonly memory: BookMemory;
  /** Processes that should be there: `understudy_process_up` is 0 for one that does not answer. */
  readonly expected: readonly string[];
  /** `null`: nothing is analysed. */
  readonly analysis: AnalysisStatus | null;
  /** Dropped log lines of the process that answers the scrape. */
  readonly adminLogLinesDropped: number;
}

/** @returns Prometheus text format 0.0.4 */
export async function renderMetrics(input: MetricsInput): Promise<string> {
  const samples = new Samples();
  const { processes, gateways, mirror } = input.status;
  addProcesses(samples, processes, input.expected);
  samples.add('understudy_log_lines_dropped_total', input.adminLogLinesDropped, {
    process: 'admin',
  });
  addBooks(samples, input.memory);
  for (const gateway of gateways) addGateway(samples, gateway);
  samples.add('understudy_exchanges_open', sum(gateways.map(({ open }) => open)));
  if (mirror !== null) addMirror(samples, mirror, gateways);
  if (input.analysis !== null) addAnalysis(samples, input.analysis);
  return Registry.aggregate([samples.metrics()]).metrics();
}

/** Samples by metric, as they are added. */
export class Samples {
  readonly #samples = new Map<MetricName, Sample[]>();

  add(name: MetricName, value: number, labels: Labels = {}): void {
    this.#of(name).push({ labels, value });
  }

  /** One of `states` is 1, the others 0: so that a series does not end when the state changes. */
  addState(
    name: MetricName,
    of: { readonly states: readonly string[]; readonly state: string },
    labels: Labels = {},
  ): void {
    for (const each of of.states)
      this.add(name, each === of.state ? 1 : 0, { ...labels, state: each });
  }

  addHistogram(
    name: MetricName,
    { bounds, counts, sum, count }: HistogramSnapshot,
    labels: Labels,
  ) {
    const samples = this.#of(name);
    let below = 0;
    for (const [i, bound] of bounds.entries()) {
      below += counts[i] ?? 0;
      samples.push({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: String(bound) },
        value: below,
      });
    }
    samples.push(
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    );
  }

  /** What `Registry.aggregate` takes; metrics without a sample are left out. */
  metrics(): object[] {
    return Array.from(this.#samples, ([name, values]) => {
      const { type, help } = METRICS[name];
      return { name, help, type, aggregator: 'sum', values };
    });
  }

  #of(name: MetricName): Sample[] {
    const found = this.#samples.get(name);
    if (found !== undefined) return found;
    const made: Sample[] = [];
    this.#samples.set(name, made);
    return made;
  }
}

function addProcesses(
  samples: Samples,
  processes: readonly ProcessStatus[],
  expected: readonly string[],
): void {
  const up = new Set(processes.map(({ name }) => name));
  for (const process of new Set([...expected, ...up])) {
    samples.add('understudy_process_up', up.has(process) ? 1 : 0, { process });
  }
  for (const { name: process, version, uptimeMs, settingsVersion, children, reload } of processes) {
    samples.add('understudy_build_info', 1, { process, version });
    if (uptimeMs !== undefined) {
      samples.add('understudy_process_uptime_seconds', uptimeMs / 1_000, { process });
    }
    if (settingsVersion !== undefined) {
      samples.add('understudy_settings_version', settingsVersion, { process });
    }
    if (reload !== undefined) {
      const { done, failed, lastOk } = reload;
      samples.add('understudy_reload_last_success', lastOk ? 1 : 0, { process });
      samples.add('understudy_reloads_total', done - failed, { process, result: 'ok' });
      samples.add('understudy_reloads_total', failed, { process, result: 'failed' });
    }
    for (const child of children ?? []) {
      samples.add('understudy_process_restarts_total', child.restarts, { process: child.name });
    }
  }
}

function addBooks(samples: Samples, memory: BookMemory): void {
  const books = memory.counted();
  if (books === null) return;
  for (const { value, labels } of books.seen) {
    samples.add('understudy_exchanges_seen_total', value, labels);
  }
  for (const { value, labels } of books.exchanges) {
    samples.add('understudy_exchanges_total', value, labels);
  }
  for (const { value, labels } of books.legs) samples.add('understudy_legs_total', value, labels);
}

function addGateway(samples: Samples, gateway: GatewayStatus): void {
  const labels = { process: gateway.name };
  const { connections, wire } = gateway;
  const add = (name: MetricName, value: number): void => samples.add(name, value, labels);
  add('understudy_mirroring_enabled', gateway.mirroring ? 1 : 0);
  add('understudy_connections_open', connections.open);
  add('understudy_connections_total', connections.total);
  add('understudy_opaque_bytes_total', connections.opaqueBytes);
  for (const [reason, count] of Object.entries(connections.opaque)) {
    samples.add('understudy_opaque_connections_total', count, { ...labels, reason });
  }
  for (const [limit, count] of Object.entries(connections.limited)) {
    samples.add('understudy_connection_limits_total', count, { ...labels, limit });
  }
  for (const [reason, count] of Object.entries(connections.refused)) {
    samples.add('understudy_refused_requests_total', count, { ...labels, reason });
  }
  for (const { listener, headers } of gateway.proxy) {
    for (const [outcome, count] of Object.entries(headers)) {
      samples.add('understudy_proxy_headers_total', count, { ...labels, listener, outcome });
    }
  }
  for (const tls of gateway.tls) addListenerTls(samples, gateway.name, tls);
  for (const incumbent of gateway.incumbents) addIncumbent(samples, gateway.name, incumbent);
  add('understudy_gateway_held_bytes', gateway.heldBytes);
  add('understudy_gateway_held_limit_bytes', gateway.maxHeldBytes);
  add('understudy_wire_connected', wire.connected ? 1 : 0);
  add('understudy_wire_queued_bytes', wire.queuedBytes);
  add('understudy_wire_queued_limit_bytes', wire.maxWireBytes);
  add('understudy_loop_delay_max_seconds', gateway.loopDelayMaxMs / 1_000);
  add('understudy_log_lines_dropped_total', gateway.logLinesDropped);
}

function addListenerTls(samples: Samples, process: string, tls: ListenerTlsStatus): void {
  const { listener } = tls;
  for (const [outcome, count] of Object.entries(tls.handshakes)) {
    samples.add('understudy_tls_handshakes_total', count, { process, listener, outcome });
  }
  for (const { name, notAfterMs, fault, reloads, reloadFailures } of tls.certificates) {
    const labels = { process, listener, name };
    const add = (metric: MetricName, value: number, more: Labels = {}): void => {
      samples.add(metric, value, { ...labels, ...more });
    };
    if (notAfterMs !== null) {
      add('understudy_tls_certificate_expiry_timestamp_seconds', notAfterMs / 1_000);
    }
    add('understudy_tls_certificate_fault', fault === '' ? 0 : 1);
    add('understudy_tls_reloads_total', reloads, { outcome: 'ok' });
    add('understudy_tls_reloads_total', reloadFailures, { outcome: 'failed' });
  }
}

function addIncumbent(samples: Samples, process: string, incumbent: IncumbentStatus): void {
  const { listener, addresses, skippedAddresses } = incumbent;
  const labels = { process, listener };
  const add = (state: string, value: number): void => {
    samples.add('understudy_incumbent_addresses', value, { ...labels, state });
  };
  add('used', addresses - skippedAddresses);
  add('skipped', skippedAddresses);
  samples.add('understudy_incumbent_tls_fault', incumbent.tlsFault === '' ? 0 : 1, labels);
  samples.add('understudy_incumbent_address_skips_total', incumbent.addressSkips, labels);
  samples.add('understudy_incumbent_resolve_failures_total', incumbent.resolveFailures, labels);
}

function addMirror(
  samples: Samples,
  mirror: MirrorStatus,
  gateways: readonly GatewayStatus[],
): void {
  const process = { process: 'mirror' };
  samples.add('understudy_mirroring_enabled', mirror.mirroring ? 1 : 0, process);
  samples.add('understudy_loop_delay_max_seconds', mirror.loopDelayMaxMs / 1_000, process);
  samples.add('understudy_legs_in_flight', mirror.legsInFlight);
  samples.add('understudy_mirror_queued_bytes', mirror.queuedBytes);
  samples.add('understudy_mirror_queued_limit_bytes', mirror.maxQueuedBytes);
  samples.add('understudy_mirror_parse_bytes', mirror.parseBytes);
  samples.add('understudy_mirror_parse_limit_bytes', mirror.maxParseBytes);
  addBodies(samples, mirror.bodies);
  samples.add('understudy_selection_keys_missing_total', mirror.selectionKeysMissing);
  samples.add('understudy_mirror_heap_use_ratio', mirror.heapUse);
  samples.add('understudy_mirror_pressure_keep_ratio', mirror.pressureKeep);
  samples.add('understudy_wire_errors_total', mirror.wireErrors);
  addEpochs(samples, mirror, gateways);
  for (const candidate of mirror.candidates) {
    const labels = { candidate: candidate.name };
    const add = (name: MetricName, value: number): void => samples.add(name, value, labels);
    add('understudy_candidate_rate_ratio', candidate.rate);
    add('understudy_candidate_in_flight', candidate.inFlight);
    add('understudy_candidate_in_flight_limit', candidate.maxInFlight);
    add('understudy_candidate_queued', candidate.queued);
    add('understudy_candidate_answer_largest_bytes', candidate.answerBytes.largest);
    add('understudy_candidate_answer_limit_bytes', candidate.answerBytes.max);
    addGuard(samples, candidate);
    add('understudy_scores_compared_total', candidate.compared);
    add('understudy_scores_outside_tolerance_total', candidate.outsideTolerance);
    add('understudy_label_flips_total', candidate.labelFlips);
    const { incumbentSeconds, candidateSeconds, queueSeconds, scoreDifference } = candidate;
    samples.addHistogram('understudy_incumbent_latency_seconds', incumbentSeconds, labels);
    samples.addHistogram('understudy_candidate_latency_seconds', candidateSeconds, labels);
    samples.addHistogram('understudy_queue_wait_seconds', queueSeconds, labels);
    samples.addHistogram('understudy_score_difference', scoreDifference, labels);
  }
  addRecorder(samples, mirror.recorder);
}

function addBodies(samples: Samples, bodies: BodyCaps): void {
  const { requestBytes, answerBytes, decodedBytes, decodedRatio } = bodies;
  const sizes = { request: requestBytes, answer: answerBytes, decoded: decodedBytes };
  for (const [body, { largest, max }] of Object.entries(sizes)) {
    samples.add('understudy_mirror_body_largest_bytes', largest, { body });
    samples.add('understudy_mirror_body_limit_bytes', max, { body });
  }
  samples.add('understudy_mirror_decoded_largest_ratio', decodedRatio.largest);
  samples.add('understudy_mirror_decoded_limit_ratio', decodedRatio.max);
}

function addEpochs(
  samples: Samples,
  mirror: MirrorStatus,
  gateways: readonly GatewayStatus[],
): void {
  const live = new Set(gateways.map(({ epoch }) => epoch));
  const ended = mirror.epochs.filter(({ epoch }) => !live.has(epoch));
  const count = (state: string): number => ended.filter((epoch) => epoch.state === state).length;
  samples.add('understudy_gateway_epochs', live.size + count('live'), { state: 'live' });
  samples.add('understudy_gateway_epochs', count('clean'), { state: 'clean' });
  samples.add('understudy_gateway_epochs', count('unclean'), { state: 'unclean' });
}

const RECORDER_STATES = ['recording', 'failing', 'locked', 'down'] as const;
const KAFKA_STATES = ['connected', 'connecting', 'failing'] as const;

function addRecorder(samples: Samples, recorder: RecorderStatus): void {
  const { state } = recorder;
  samples.addState('understudy_recorder_state', { states: RECORDER_STATES, state });
  samples.add('understudy_recorder_pending_bytes', recorder.pendingBytes);
  samples.add('understudy_recorder_pending_limit_bytes', recorder.maxPendingBytes);
  samples.add('understudy_recorder_restarts_total', recorder.restarts);
  samples.add('understudy_journal_pairs_total', recorder.committedPairs);
  samples.add('understudy_journal_commits_total', recorder.commits);
  samples.add('understudy_journal_bytes', recorder.journalBytes);
  samples.add('understudy_journal_limit_bytes', recorder.maxJournalBytes);
  samples.add('understudy_journal_wal_bytes', recorder.walBytes);
  samples.add('understudy_journal_id_conflicts_total', recorder.idConflicts);
  samples.add('understudy_journals_quarantined_total', recorder.quarantined);
  samples.add('understudy_journal_evicted_total', recorder.evicted);
  samples.add('understudy_journal_evicted_unpublished_total', recorder.evictedUnpublished);
  samples.add('understudy_journal_evicted_unanalysed_total', recorder.evictedUnanalysed);
  const { publisher } = recorder;
  if (publisher === null) return;
  samples.addState('understudy_kafka_state', { states: KAFKA_STATES, state: publisher.state });
  samples.add('understudy_kafka_lag_pairs', publisher.lag);
  samples.add('understudy_kafka_published_pairs_total', publisher.published);
  samples.add('understudy_kafka_send_errors_total', publisher.sendErrors);
  samples.add('understudy_kafka_dead_letters_total', publisher.deadLetters);
  samples.add('understudy_kafka_dead_letters', publisher.heldDeadLetters);
  samples.add('understudy_kafka_topic_differences', publisher.differences.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
