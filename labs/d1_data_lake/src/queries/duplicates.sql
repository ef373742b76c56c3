-- Departures that are listed more than once, and aircraft scheduled to leave twice at the same minute
WITH departures AS (
  SELECT month, day, sched_dep_time, origin, carrier, flight, count(*) AS times
  FROM flights_parquet
  GROUP BY month, day, sched_dep_time, origin, carrier, flight
),
aircraft AS (
  SELECT month, day, sched_dep_time, tailnum, count(*) AS times
  FROM flights_parquet
  WHERE tailnum IS NOT NULL
  GROUP BY month, day, sched_dep_time, tailnum
)
SELECT 'departure' AS repeated, count(*) AS cases, coalesce(sum(times - 1), 0) AS surplus_rows
FROM departures
WHERE times > 1
UNION ALL
SELECT 'aircraft', count(*), coalesce(sum(times - 1), 0)
FROM aircraft
WHERE times > 1
ORDER BY repeated
