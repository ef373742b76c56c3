-- The mean of one column, from avro
SELECT avg(distance) AS mean_miles FROM flights_avro
