-- The mean of one column, from orc
SELECT avg(distance) AS mean_miles FROM flights_orc
