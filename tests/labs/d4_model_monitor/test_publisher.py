"""Reports become metrics, under the dimensions of the alarms; faults are not drift."""

from __future__ import annotations

import io
import json
from types import ModuleType
from typing import Any

import pytest

from tests.labs.d4_model_monitor.conftest import CODE, Load

KINDS = {"fresh": ["data-quality", "data-faults", "attribution"], "late": ["label", "model-quality", "bias"]}
SETTINGS = {
    "prefix": "lab-x", "endpoint": "end", "reports": "reports", "namespace": "Labs/ModelMonitor", "kinds": KINDS,
    "label": "late",
}  # fmt: skip
DRIFTED = {"feature_name": "temp", "constraint_check_type": "baseline_drift_check", "description": ""}
LABEL = {"feature_name": "late", "constraint_check_type": "baseline_drift_check", "description": ""}
MISSING = {"feature_name": "humid", "constraint_check_type": "completeness_check", "description": ""}
QUALITY = {"metric_name": "accuracy", "constraint_check_type": "LessThanThreshold", "description": ""}
BIAS = {"facet": "x", "metric_name": "AD", "constraint_check_type": "bias_drift_check", "description": ""}
ORDER = {"metric_name": "shap", "constraint_check_type": "feature_attribution_drift_check", "description": ""}


class Reports:
    def __init__(self, violations: list[dict[str, str]], numbers: dict[str, float]) -> None:
        metrics = [{"MetricName": name, "Value": value, "Unit": "None"} for name, value in numbers.items()]
        self.files = {"constraint_violations.json": {"violations": violations}, "metrics.json": metrics}
        self.keys: list[str] = []

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.keys.append(f"{Bucket}/{Key}")
        return {"Body": io.BytesIO(json.dumps(self.files[Key.rpartition("/")[2]]).encode())}


class Metrics:
    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        assert Namespace == "Labs/ModelMonitor"
        self.put += MetricData


@pytest.fixture
def publisher(load: Load) -> ModuleType:
    module = load(CODE / "publisher.py", SETTINGS)
    module.cloudwatch = Metrics()
    return module


def told(publisher: ModuleType, job: str, status: str = "Completed") -> dict[tuple[str, str], float]:
    publisher.handler({"detail": {"ProcessingJobName": job, "ProcessingJobStatus": status}}, None)
    found = {}
    for datum in publisher.cloudwatch.put:
        dimensions = {each["Name"]: each["Value"] for each in datum["Dimensions"]}
        assert dimensions.pop("Endpoint") == "end"
        found[dimensions["MonitoringSchedule"].removeprefix("lab-x-"), datum["MetricName"]] = datum["Value"]
    return found


def test_violations_are_counted_for_the_monitor_they_belong_to(publisher: ModuleType) -> None:
    publisher.s3 = Reports([DRIFTED, DRIFTED, ORDER, LABEL, QUALITY, BIAS], {})
    found = told(publisher, "lab-x-fresh-20260701140000")
    assert found == {
        ("jobs", "job_failed"): 0, ("data-quality", "violations"): 2, ("data-faults", "violations"): 0,
        ("attribution", "violations"): 1,
    }  # fmt: skip
    assert publisher.s3.keys[0] == "reports/lab-x-fresh-20260701140000/constraint_violations.json"


def test_a_late_job_speaks_of_outcomes_only(publisher: ModuleType) -> None:
    publisher.s3 = Reports([DRIFTED, ORDER, LABEL, QUALITY, QUALITY, BIAS], {"accuracy": 0.7, "rows": 9})
    found = told(publisher, "lab-x-late-20260701140000")
    assert found == {
        ("jobs", "job_failed"): 0, ("label", "violations"): 1, ("model-quality", "violations"): 2,
        ("bias", "violations"): 1, ("model-quality", "accuracy"): 0.7,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["fresh", "late"])
def test_a_report_of_faults_says_nothing_of_drift(publisher: ModuleType, kind: str) -> None:
    publisher.s3 = Reports([MISSING, ORDER, DRIFTED, QUALITY], {})
    found = told(publisher, f"lab-x-{kind}-20260701140000")
    counted = {monitor: value for (monitor, name), value in found.items() if name == "violations"}
    assert counted == ({"data-faults": 1} if kind == "fresh" else {})


def test_a_failed_job_is_counted_and_its_report_not_read(publisher: ModuleType) -> None:
    publisher.s3 = Reports([], {})
    assert told(publisher, "lab-x-fresh-20260701140000", "Failed") == {("jobs", "job_failed"): 1}
    assert publisher.s3.keys == []


def test_a_baseline_is_no_report(publisher: ModuleType) -> None:
    publisher.s3 = Reports([DRIFTED], {})
    assert told(publisher, "lab-x-baseline-20260701140000") == {("jobs", "job_failed"): 0}
