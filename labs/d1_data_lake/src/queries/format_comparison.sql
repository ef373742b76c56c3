-- The same counts and sums from each format: the rows must be equal
SELECT 'avro' AS format, count(*) AS flights, count(dep_time) AS departed, sum(dep_delay) AS minutes_late,
       sum(distance) AS miles, count(nullif(tailnum, '')) AS tail_numbers, count(DISTINCT dest) AS destinations
FROM flights_avro
UNION ALL
SELECT 'csv' AS format, count(*) AS flights, count(dep_time) AS departed, sum(dep_delay) AS minutes_late,
       sum(distance) AS miles, count(nullif(tailnum, '')) AS tail_numbers, count(DISTINCT dest) AS destinations
FROM flights_csv
UNION ALL
SELECT 'json' AS format, count(*) AS flights, count(dep_time) AS departed, sum(dep_delay) AS minutes_late,
       sum(distance) AS miles, count(nullif(tailnum, '')) AS tail_numbers, count(DISTINCT dest) AS destinations
FROM flights_json
UNION ALL
SELECT 'orc' AS format, count(*) AS flights, count(dep_time) AS departed, sum(dep_delay) AS minutes_late,
       sum(distance) AS miles, count(nullif(tailnum, '')) AS tail_numbers, count(DISTINCT dest) AS destinations
FROM flights_orc
UNION ALL
SELECT 'parquet' AS format, count(*) AS flights, count(dep_time) AS departed, sum(dep_delay) AS minutes_late,
       sum(distance) AS miles, count(nullif(tailnum, '')) AS tail_numbers, count(DISTINCT dest) AS destinations
FROM flights_parquet
ORDER BY format
