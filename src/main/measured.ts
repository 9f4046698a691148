/**
 * What `understudy plan` counts with: each constant with its value, its unit, and where it was measured. They
 * are of one machine; a plan is right to a factor of about two, and says so.
 */
export interface Measured {
  readonly value: number;
  readonly unit: string;
  /** What was measured, how and on what. */
  readonly where: string;
}

const BENCH = 'npm run bench (bench/RESULTS.md, 2026-11-24): AMD EPYC, 2 cores, 388 bytes of JSON';
const JOURNAL =
  '40,000 pairs of one score and label through the recorder (2026-11-25): AMD EPYC, 2 cores, Node 24.21';

function measured(value: number, unit: string, where: string): Measured {
  return { value, unit, where };
}

export const MEASURED = {
  pairBytes: measured(920, 'bytes a pair with one prediction a side', JOURNAL),
  predictionBytes: measured(89, 'bytes for each further prediction, both sides', JOURNAL),
  capturedBytes: measured(40, 'bytes a captured value', 'assumed: pointer and value of 20 each'),
  journalExtraBytes: measured(152, 'bytes a pair in the journal, beyond its record', JOURNAL),
  kafkaExtraBytes: measured(
    160,
    'bytes a message, beyond its record',
    'counted: key 25, headers 130, its share of a batch; before compression',
  ),
  gatewayOffUs: measured(24, 'µs of CPU an exchange in a gateway, not copied', BENCH),
  gatewayCopyUs: measured(33, 'µs of CPU an exchange in a gateway, copied', BENCH),
  mirrorPairUs: measured(
    200,
    'µs of CPU a pair behind the gateway, at 1,000 a second; less when busier',
    BENCH,
  ),
  gatewayBytes: measured(113 * 1024 * 1024, 'bytes of a gateway that holds nothing', BENCH),
  mirrorBytes: measured(132 * 1024 * 1024, 'bytes of a mirror that holds nothing', BENCH),
  otherBytes: measured(218 * 1024 * 1024, 'bytes of admin and supervisor together', BENCH),
  modelBytes: measured(
    130 * 1024 * 1024,
    'bytes of a model process, without its model',
    'assumed: an idle Node with the ONNX runtime',
  ),
} as const satisfies Record<string, Measured>;
