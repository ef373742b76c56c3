-- One column of the copies: three times the bytes that one query may scan
SELECT count(*) AS flights, sum(distance) AS miles FROM flights_copies
