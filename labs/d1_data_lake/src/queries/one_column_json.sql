-- The mean of one column, from json
SELECT avg(distance) AS mean_miles FROM flights_json
