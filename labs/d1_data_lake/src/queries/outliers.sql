-- Departure delays beyond 1.5 times the interquartile range, by airport
WITH ranked AS (
  SELECT origin, dep_delay, ntile(4) OVER (PARTITION BY origin ORDER BY dep_delay) AS quarter
  FROM flights_parquet
  WHERE dep_delay IS NOT NULL
),
quartiles AS (
  SELECT origin,
         max(CASE WHEN quarter = 1 THEN dep_delay END) AS q1,
         max(CASE WHEN quarter = 3 THEN dep_delay END) AS q3
  FROM ranked
  GROUP BY origin
)
SELECT quartiles.origin, q1, q3,
       q1 - 1.5e0 * (q3 - q1) AS low_fence,
       q3 + 1.5e0 * (q3 - q1) AS high_fence,
       sum(CASE WHEN dep_delay < q1 - 1.5e0 * (q3 - q1) THEN 1 ELSE 0 END) AS below,
       sum(CASE WHEN dep_delay > q3 + 1.5e0 * (q3 - q1) THEN 1 ELSE 0 END) AS above
FROM ranked
JOIN quartiles ON ranked.origin = quartiles.origin
GROUP BY quartiles.origin, q1, q3
ORDER BY quartiles.origin
