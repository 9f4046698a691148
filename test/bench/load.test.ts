import { expect, test } from 'vitest';
import { parseAutocannon, parseWrk } from '../../bench/load.ts';

const WRK = `Running 5s test @ http://127.0.0.1:9000/v1/score
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   616.94us  482.13us  12.02ms   95.43%
    Req/Sec    52.07k     4.11k   58.33k    74.51%
  Latency Distribution
     50%  555.00us
     75%  667.00us
     90%    0.90ms
     99%    1.20s 
  263841 requests in 5.10s, 61.14MB read
  Socket errors: connect 0, read 3, write 0, timeout 2
  Non-2xx or 3xx responses: 41
Requests/sec:  51734.20
Transfer/sec:     11.99MB
`;

test('reads requests, times in any unit, and every kind of error from wrk', () => {
  expect(parseWrk(WRK)).toEqual({
    requests: 263_800,
    seconds: 5.1,
    p50Ms: 0.555,
    p99Ms: 1_200,
    maxMs: 12.02,
    errors: 46,
  });
});

test('a wrk that could not connect is an error, not a slow proxy', () => {
  expect(() => parseWrk('unable to connect to 127.0.0.1:9 Connection refused\n')).toThrow(
    /unable to connect/,
  );
});

test('counts only answers 2xx of autocannon as served', () => {
  const result = {
    '2xx': 90,
    non2xx: 4,
    errors: 5,
    timeouts: 1,
    duration: 2.5,
    latency: { p50: 1, p99: 7, max: 9 },
  };
  expect(parseAutocannon(JSON.stringify(result))).toEqual({
    requests: 90,
    seconds: 2.5,
    p50Ms: 1,
    p99Ms: 7,
    maxMs: 9,
    errors: 10,
  });
});
