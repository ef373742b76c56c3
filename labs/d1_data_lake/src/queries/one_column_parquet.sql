-- The mean of one column, from parquet
SELECT avg(distance) AS mean_miles FROM flights_parquet
