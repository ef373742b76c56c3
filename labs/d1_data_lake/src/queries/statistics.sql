-- Delay of each carrier: number of flights, mean, spread and extremes
SELECT carrier, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay, round(stddev(dep_delay), 1) AS spread,
       min(dep_delay) AS earliest, max(dep_delay) AS latest
FROM flights_parquet
GROUP BY carrier
ORDER BY flights DESC, carrier
