/**
 * Every metric there is: docs/metrics.md is held against this table, both ways. Names are
 * `understudy_<noun>_<unit>[_total]` in base units; labels have bounded sets of values.
 */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

function row(type: MetricRow['type'], labels: readonly string[], help: string): MetricRow {
  return { type, labels, help };
}

export const METRICS = {
  // processes
  understudy_build_info: row(
    'gauge',
    ['process', 'version'],
    'Always 1; the version of a process.',
  ),
  understudy_process_up: row('gauge', ['process'], '1 while a process answers its status socket.'),
  understudy_process_uptime_seconds: row('gauge', ['process'], 'Since the process was started.'),
  understudy_process_restarts_total: row(
    'counter',
    ['process'],
    'Times the supervisor has started a process again.',
  ),
  understudy_reload_last_success: row(
    'gauge',
    ['process'],
    '1 while the last reload, if any, is in force; 0: it was refused, the old configuration stays.',
  ),
  understudy_reloads_total: row(
    'counter',
    ['process', 'result'],
    'Reloads and rolling restarts: ok, failed.',
  ),
  understudy_loop_delay_max_seconds: row(
    'gauge',
    ['process'],
    'Largest lateness of the event loop, lately.',
  ),
  understudy_log_lines_dropped_total: row(
    'counter',
    ['process'],
    'Log lines that nobody could be given, since nobody read.',
  ),

  // settings
  understudy_settings_version: row('gauge', ['process'], 'Version of the settings in force.'),
  understudy_mirroring_enabled: row('gauge', ['process'], '1 while mirroring is on.'),
  understudy_candidate_rate_ratio: row('gauge', ['candidate'], 'Mirror rate in force, 0 to 1.'),

  // exchanges, at the gateways
  understudy_exchanges_seen_total: row(
    'counter',
    ['route'],
    'Exchanges whose request head was complete.',
  ),
  understudy_exchanges_total: row(
    'counter',
    ['route', 'state', 'reason'],
    'Exchanges by the state they ended in; shed is lost, offered became legs.',
  ),
  understudy_exchanges_open: row('gauge', [], 'Exchanges that are not decided yet.'),
  understudy_gateway_epochs: row(
    'gauge',
    ['state'],
    'Lives of gateway processes: live, clean, unclean (killed).',
  ),
  understudy_connections_open: row('gauge', ['process'], 'Open connections of callers.'),
  understudy_connections_total: row('counter', ['process'], 'Connections of callers.'),
  understudy_opaque_connections_total: row(
    'counter',
    ['process', 'reason'],
    'Connections that could not be framed without doubt: relayed, never mirrored.',
  ),
  understudy_opaque_bytes_total: row(
    'counter',
    ['process'],
    'Bytes relayed on opaque connections.',
  ),
  understudy_connection_limits_total: row(
    'counter',
    ['process', 'limit'],
    'Connections that a limit of time or number ended or refused.',
  ),
  understudy_refused_requests_total: row(
    'counter',
    ['process', 'reason'],
    'Requests refused since they could not be framed without doubt.',
  ),
  understudy_proxy_headers_total: row(
    'counter',
    ['process', 'listener', 'outcome'],
    'PROXY headers of callers: ok, or why they were refused.',
  ),
  understudy_tls_handshakes_total: row(
    'counter',
    ['process', 'listener', 'outcome'],
    'TLS handshakes with callers: ok, or why they failed.',
  ),
  understudy_tls_certificate_expiry_timestamp_seconds: row(
    'gauge',
    ['process', 'listener', 'name'],
    'When a certificate of a listener ends, Unix time; absent where none is loaded.',
  ),
  understudy_tls_certificate_fault: row(
    'gauge',
    ['process', 'listener', 'name'],
    '1 while the files of a certificate cannot be used; an older one is in use meanwhile.',
  ),
  understudy_tls_reloads_total: row(
    'counter',
    ['process', 'listener', 'name', 'outcome'],
    'Changed certificate files that were taken, or failed.',
  ),
  understudy_incumbent_addresses: row(
    'gauge',
    ['process', 'listener', 'state'],
    'Addresses of an incumbent: used, or skipped since they lately gave no connection.',
  ),
  understudy_incumbent_address_skips_total: row(
    'counter',
    ['process', 'listener'],
    'Times an address of an incumbent was set aside for a while.',
  ),
  understudy_incumbent_tls_fault: row(
    'gauge',
    ['process', 'listener'],
    '1 while the TLS files for an incumbent cannot be used; older ones are in use meanwhile.',
  ),
  understudy_incumbent_resolve_failures_total: row(
    'counter',
    ['process', 'listener'],
    "Look-ups of an incumbent's name that failed; older addresses stay in use.",
  ),
  understudy_gateway_held_bytes: row('gauge', ['process'], 'Bytes kept for mirroring.'),
  understudy_gateway_held_limit_bytes: row('gauge', ['process'], 'Cap of the bytes kept.'),
  understudy_wire_connected: row('gauge', ['process'], '1 while a gateway reaches the mirror.'),
  understudy_wire_queued_bytes: row('gauge', ['process'], 'Bytes on their way to the mirror.'),
  understudy_wire_queued_limit_bytes: row('gauge', ['process'], 'Cap of the bytes on their way.'),

  // legs, in the mirror
  understudy_legs_total: row(
    'counter',
    ['candidate', 'route', 'state', 'reason'],
    'Copies of offered exchanges by the state they ended in.',
  ),
  understudy_legs_in_flight: row('gauge', [], 'Legs that are not decided yet.'),
  understudy_candidate_in_flight: row('gauge', ['candidate'], 'Copies sent and not answered.'),
  understudy_candidate_in_flight_limit: row('gauge', ['candidate'], 'Cap of copies in flight.'),
  understudy_candidate_queued: row('gauge', ['candidate'], 'Copies that wait to be sent.'),
  understudy_candidate_in_flight_ceiling: row(
    'gauge',
    ['candidate'],
    'Copies in flight at most, now: the cap, or the adaptive ceiling below it.',
  ),
  understudy_candidate_queued_bytes: row(
    'gauge',
    ['candidate'],
    'Bytes of exchanges that wait for this candidate or are in flight.',
  ),
  understudy_candidate_queued_limit_bytes: row('gauge', ['candidate'], 'Cap of these bytes.'),
  understudy_candidate_queue_age_seconds: row(
    'gauge',
    ['candidate'],
    'Age of the copy that has waited longest.',
  ),
  understudy_candidate_queue_age_limit_seconds: row('gauge', ['candidate'], 'Cap of this age.'),
  understudy_candidate_request_rate_limit: row(
    'gauge',
    ['candidate'],
    'Cap of copies a second in force; 0 without one.',
  ),
  understudy_candidate_request_rate_use_ratio: row(
    'gauge',
    ['candidate'],
    'Share of the token bucket that is taken.',
  ),
  understudy_candidate_answer_largest_bytes: row(
    'gauge',
    ['candidate'],
    'Largest answer body of the last minute or two.',
  ),
  understudy_candidate_answer_limit_bytes: row('gauge', ['candidate'], 'Cap of answer bodies.'),
  understudy_candidate_requests_today: row('gauge', ['candidate'], 'Copies sent this UTC day.'),
  understudy_candidate_requests_per_day_limit: row(
    'gauge',
    ['candidate'],
    'Budget of copies a day; 0 without one.',
  ),
  understudy_candidate_warm_up_left: row(
    'gauge',
    ['candidate'],
    'Copies until a fresh candidate counts as warm.',
  ),
  understudy_warm_up_pairs_total: row(
    'counter',
    ['candidate'],
    'Pairs flagged warm_up; they are left out of the latencies.',
  ),
  understudy_candidate_breaker_state: row(
    'gauge',
    ['candidate', 'state'],
    '1 for the state it is in: closed, open, half_open; absent without a breaker.',
  ),
  understudy_candidate_breaker_opens_total: row(
    'counter',
    ['candidate'],
    'Times a candidate was found sick.',
  ),
  understudy_candidate_broken_seconds_total: row(
    'counter',
    ['candidate'],
    'Time in which the breaker was not closed.',
  ),
  understudy_candidate_failure_ratio: row(
    'gauge',
    ['candidate'],
    "Share of failures in the breaker's window.",
  ),
  understudy_mirror_parse_bytes: row('gauge', [], 'Memory charged for parsed bodies.'),
  understudy_mirror_parse_limit_bytes: row('gauge', [], 'Cap of that memory.'),
  understudy_mirror_body_largest_bytes: row(
    'gauge',
    ['body'],
    'Largest request, answer (heads included) and decoded body of the last minute or two.',
  ),
  understudy_mirror_body_limit_bytes: row('gauge', ['body'], 'Cap of these sizes.'),
  understudy_mirror_decoded_largest_ratio: row(
    'gauge',
    [],
    'Largest decoded over encoded bytes of the last minute or two, of bodies that the cap is for.',
  ),
  understudy_mirror_decoded_limit_ratio: row('gauge', [], 'Cap of that ratio.'),
  understudy_selection_keys_missing_total: row(
    'counter',
    [],
    'Exchanges without the value that their route is drawn by.',
  ),
  understudy_mirror_heap_use_ratio: row('gauge', [], "Share of the heap's limit in use."),
  understudy_mirror_pressure_keep_ratio: row(
    'gauge',
    [],
    'Share of copies made under memory pressure; 1 without.',
  ),
  understudy_mirror_queued_bytes: row('gauge', [], 'Bytes of exchanges held by the mirror.'),
  understudy_mirror_queued_limit_bytes: row('gauge', [], 'Cap of the bytes held.'),
  understudy_wire_errors_total: row('counter', [], 'Wire connections ended for what they carried.'),

  // what the pairs say
  understudy_incumbent_latency_seconds: row(
    'histogram',
    ['candidate'],
    'Service time of the incumbent in the exchanges compared with this candidate.',
  ),
  understudy_candidate_latency_seconds: row(
    'histogram',
    ['candidate'],
    'Service time, same pairs.',
  ),
  understudy_queue_wait_seconds: row(
    'histogram',
    ['candidate'],
    'Exchange complete at the gateway to its copy being sent.',
  ),
  understudy_score_difference: row(
    'histogram',
    ['candidate'],
    'Absolute difference of the scores, candidate and incumbent.',
  ),
  understudy_scores_compared_total: row(
    'counter',
    ['candidate'],
    'Pairs whose scores were compared.',
  ),
  understudy_scores_outside_tolerance_total: row(
    'counter',
    ['candidate'],
    'Predictions whose scores are outside tolerance.',
  ),
  understudy_contract_violations_total: row(
    'counter',
    ['candidate', 'kind'],
    'Pairs in which the candidate broke the contract that the incumbent kept.',
  ),
  understudy_label_flips_total: row('counter', ['candidate'], 'Predictions with another label.'),

  // journal
  understudy_recorder_state: row(
    'gauge',
    ['state'],
    '1 for the state it is in: recording, failing, locked, down.',
  ),
  understudy_recorder_pending_bytes: row('gauge', [], 'Pairs on their way to the disk.'),
  understudy_recorder_pending_limit_bytes: row('gauge', [], 'Cap of the pairs on their way.'),
  understudy_recorder_restarts_total: row('counter', [], 'Restarts of the recorder thread.'),
  understudy_journal_pairs_total: row('counter', [], 'Pairs committed by this mirror process.'),
  understudy_journal_commits_total: row('counter', [], 'Transactions of this mirror process.'),
  understudy_journal_bytes: row('gauge', [], 'Size of the journal.'),
  understudy_journal_limit_bytes: row('gauge', [], 'Cap of the journal.'),
  understudy_journal_wal_bytes: row('gauge', [], "Size of the journal's write-ahead log."),
  understudy_journal_id_conflicts_total: row(
    'counter',
    [],
    'Pairs whose id came with other bytes.',
  ),
  understudy_journal_evicted_total: row(
    'counter',
    [],
    'Pairs that left the journal before their time, by its cap or by their age.',
  ),
  understudy_journal_evicted_unpublished_total: row(
    'counter',
    [],
    'Of those, pairs that Kafka had not acknowledged.',
  ),
  understudy_journal_evicted_unanalysed_total: row(
    'counter',
    [],
    'Pairs that a full journal let go of before they were analysed.',
  ),
  understudy_journals_quarantined_total: row('counter', [], 'Damaged journals set aside.'),

  // Kafka
  understudy_kafka_state: row(
    'gauge',
    ['state'],
    '1 for the state it is in; absent without Kafka.',
  ),
  understudy_kafka_lag_pairs: row('gauge', [], 'Pairs in the journal and not yet published.'),
  understudy_kafka_published_pairs_total: row('counter', [], 'Pairs that Kafka has confirmed.'),
  understudy_kafka_send_errors_total: row('counter', [], 'Sends that failed and were repeated.'),
  understudy_kafka_dead_letters: row('gauge', [], 'Pairs in the dead-letter table.'),
  understudy_kafka_topic_differences: row(
    'gauge',
    [],
    'Ways in which the topics are not as configured.',
  ),
  understudy_kafka_dead_letters_total: row('counter', [], 'Pairs that Kafka will never take.'),

  // analysis
  understudy_analysis_fault: row('gauge', [], '1 while the analysis waits for something.'),
  understudy_analysis_lag_pairs: row(
    'gauge',
    [],
    'Pairs in the journal that the analysis has not read.',
  ),
  understudy_analysis_missed_pairs: row(
    'gauge',
    [],
    'Pairs that left the journal before the analysis had read them.',
  ),
  understudy_analysis_pairs: row(
    'gauge',
    ['candidate'],
    'Pairs in the verdict of the present attempt.',
  ),
  understudy_experiment_attempts: row(
    'gauge',
    ['candidate'],
    'Attempts of a candidate in this experiment.',
  ),
  understudy_outcomes_mature_pairs: row(
    'gauge',
    ['candidate'],
    'Pairs of the present attempt whose outcome should be known by now.',
  ),
  understudy_outcomes_known_pairs: row(
    'gauge',
    ['candidate'],
    'Those of them whose outcome is known.',
  ),
  understudy_outcomes_least_coverage_ratio: row(
    'gauge',
    ['candidate'],
    'Least share of mature pairs with an outcome: in all, and by what both models decided.',
  ),
  understudy_verdict_state: row(
    'gauge',
    ['candidate', 'state'],
    '1 for the verdict in force: PASS, FAIL, CONTINUE, INCONCLUSIVE, INVALID.',
  ),
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
