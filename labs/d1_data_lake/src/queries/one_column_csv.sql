-- The mean of one column, from csv
SELECT avg(distance) AS mean_miles FROM flights_csv
