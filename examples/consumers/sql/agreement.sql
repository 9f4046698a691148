-- Pairs exported as Parquet, in SQL. `pairs` is the file, or a glob of several; repeated ids count once.
--
--   understudy journal export --format parquet -o pairs.parquet
--   duckdb -c "SET VARIABLE pairs = 'pairs.parquet'" -c ".read agreement.sql"

CREATE OR REPLACE TEMP VIEW pairs AS
  SELECT * FROM read_parquet(getvariable('pairs'))
  QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq) = 1;

-- Pairs flagged for our own slowness leave the latencies, as in Understudy's own reports.
SELECT
  candidate,
  route,
  count(*) AS pairs,
  count(*) FILTER (state = 'paired') AS paired,
  avg(CAST(label_flips > 0 AS INTEGER)) AS flip_rate,
  avg(candidate_score - incumbent_score) AS mean_difference,
  quantile_cont(abs(candidate_score - incumbent_score), 0.99) AS p99_difference,
  corr(incumbent_score, candidate_score) AS correlation,
  median(candidate_latency_ms - incumbent_latency_ms) FILTER (flags = '') AS median_extra_ms
FROM pairs
GROUP BY candidate, route
ORDER BY candidate, route;
