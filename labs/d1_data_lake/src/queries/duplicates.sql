-- Rows that describe the same scheduled departure more than once, and whole rows that repeat
SELECT count(*) AS flights,
       count(*) - count(DISTINCT concat(
         CAST(year AS varchar), '|', CAST(month AS varchar), '|', CAST(day AS varchar), '|',
         CAST(sched_dep_time AS varchar), '|', origin, '|', carrier, '|', CAST(flight AS varchar)
       )) AS same_departure,
       count(*) - count(DISTINCT concat(
         CAST(day AS varchar), '|', CAST(sched_dep_time AS varchar), '|', origin, '|', dest, '|', tailnum
       )) - sum(CASE WHEN tailnum IS NULL THEN 1 ELSE 0 END) AS same_aircraft
FROM flights_parquet
