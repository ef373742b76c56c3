"""CloudWatch's metric operations, answered from the store of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import expressions
from labkit.rehearsal.runtime.metrics import Bucket, Metrics, by_name

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def install(context: Context) -> Metrics:
    """Have CloudWatch's own operations read and write this store."""
    store = Metrics(context)
    context.on_import("moto.cloudwatch.models", lambda module: _patch(module, store))
    context.on_import("moto.cloudwatch.responses", lambda module: _patch_answers(module, store))
    return store


def _patch(module: ModuleType, store: Metrics) -> None:
    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, 1):
            self._validate_parameters_put_metric_data(datum, number)
        for datum in metric_data:
            store.put_bucket(
                namespace,
                datum["MetricName"],
                by_name(datum.get("Dimensions") or ()),
                _bucket_of(datum),
                unit=datum.get("Unit") or "None",
                time=datum.get("Timestamp"),
            )

    def get_metric_data(
        self: Any,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        results = expressions.evaluate(store, queries, start=_aware(start_time), end=_aware(end_time))
        answers = []
        for query in queries:
            if not query.get("ReturnData", True):
                continue
            points = sorted(results[query["Id"]].items(), reverse=scan_by == "TimestampDescending")
            metric = query.get("MetricStat", {}).get("Metric", {}).get("MetricName")
            answers.append(
                {
                    "id": query["Id"],
                    "label": query.get("Label") or metric or query["Id"],
                    "values": [value for _, value in points],
                    "timestamps": [moment for moment, _ in points],
                    "status_code": "Complete",
                }
            )
        return answers

    def get_filtered_metrics(
        self: Any, metric_name: str, namespace: str, dimensions: list[dict[str, str]]
    ) -> list[Any]:
        listed = [
            module.MetricDatumBase(space, name, [{"Name": key, "Value": value} for key, value in sorted(pairs)], None)
            for space, name, pairs in store.known()
        ] + self.aws_metric_data
        chosen: list[Any] = []
        for datum in listed:
            if datum.filter(namespace, metric_name, dimensions, chosen):
                chosen.append(datum)
        return chosen

    backend = module.CloudWatchBackend
    for function in (put_metric_data, get_metric_data, get_filtered_metrics):
        setattr(backend, function.__name__, function)


def _patch_answers(module: ModuleType, store: Metrics) -> None:
    def get_metric_statistics(self: Any) -> Any:
        statistics, extended = self._get_param("Statistics", []), self._get_param("ExtendedStatistics", [])
        if not statistics and not extended:
            raise module.InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        space, name = self._get_param("Namespace"), self._get_param("MetricName")
        wanted, unit = by_name(self._get_param("Dimensions", [])), self._get_param("Unit")
        start, end = _aware(self._get_param("StartTime")), _aware(self._get_param("EndTime"))
        if start >= end:
            raise module.InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
        known = store.unit(space, name, wanted)
        found = store.buckets(space, name, wanted, start=start, end=end, period=self._get_int_param("Period"))
        points = [
            {
                "Timestamp": moment,
                "Unit": known,
                **{statistic: bucket.statistic(statistic) for statistic in statistics},
                **({"ExtendedStatistics": {each: bucket.statistic(each) for each in extended}} if extended else {}),
            }
            for moment, bucket in found.items()
            if unit in (None, known)
        ]
        return module.ActionResult({"Label": name, "Datapoints": points})

    module.CloudWatchResponse.get_metric_statistics = get_metric_statistics


def _bucket_of(datum: Mapping[str, Any]) -> Bucket:
    bucket = Bucket()
    if datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        for value, count in zip(datum["Values"], counts, strict=True):
            bucket.add(float(value), float(count))
    elif summed := datum.get("StatisticValues"):
        bucket.merge(
            Bucket(
                float(summed["SampleCount"]), float(summed["Sum"]), float(summed["Minimum"]), float(summed["Maximum"])
            )
        )
    else:
        bucket.add(float(datum.get("Value") or 0.0))
    return bucket


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
