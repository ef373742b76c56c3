-- Lowest and highest value of each measure, and how many values are impossible
SELECT 'dep_time' AS measure, min(dep_time) AS lowest, max(dep_time) AS highest,
       sum(CASE WHEN dep_time NOT BETWEEN 1 AND 2400 THEN 1 ELSE 0 END) AS impossible
FROM flights_parquet
UNION ALL
SELECT 'air_time', min(air_time), max(air_time), sum(CASE WHEN air_time <= 0 THEN 1 ELSE 0 END)
FROM flights_parquet
UNION ALL
SELECT 'distance', min(distance), max(distance), sum(CASE WHEN distance <= 0 THEN 1 ELSE 0 END)
FROM flights_parquet
UNION ALL
SELECT 'arr_delay', min(arr_delay), max(arr_delay), sum(CASE WHEN abs(arr_delay) > 1440 THEN 1 ELSE 0 END)
FROM flights_parquet
ORDER BY measure
