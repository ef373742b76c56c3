-- How large a share of each column is unknown
SELECT
  count(*) AS flights,
  1 - count(dep_time) / (count(*) * 1e0) AS dep_time,
  1 - count(sched_dep_time) / (count(*) * 1e0) AS sched_dep_time,
  1 - count(dep_delay) / (count(*) * 1e0) AS dep_delay,
  1 - count(arr_time) / (count(*) * 1e0) AS arr_time,
  1 - count(sched_arr_time) / (count(*) * 1e0) AS sched_arr_time,
  1 - count(arr_delay) / (count(*) * 1e0) AS arr_delay,
  1 - count(carrier) / (count(*) * 1e0) AS carrier,
  1 - count(flight) / (count(*) * 1e0) AS flight,
  1 - count(tailnum) / (count(*) * 1e0) AS tailnum,
  1 - count(origin) / (count(*) * 1e0) AS origin,
  1 - count(dest) / (count(*) * 1e0) AS dest,
  1 - count(air_time) / (count(*) * 1e0) AS air_time,
  1 - count(distance) / (count(*) * 1e0) AS distance
FROM flights_parquet
