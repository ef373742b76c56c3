"""Both ways of watching as CloudFormation will meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from labkit.assembly import Assembly
from labkit.catalogue import Lab, pick
from labkit.review import review
from stacks.settings import Settings, SettingsError
from tests.conftest import unaccepted
from tests.labs.test_every_lab import PerLab, stable

ELSEWHERE = {
    "endpoint_name": "lab-d3-realtime-endpoint",
    "capture_bucket_name": "captures-of-another-lab",
    "capture_prefix": "capture",
    "key_arn": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
}
CHOICES: dict[str, dict[str, Any]] = {
    "sagemaker": {"monitor_path": "sagemaker"},
    "watched": {"watched_endpoint": ELSEWHERE},
    "watched-sagemaker": {"watched_endpoint": ELSEWHERE, "monitor_path": "sagemaker"},
}
# The table of permissions speaks of the default way; what Model Monitor's containers call stands in no template, and
# neither does whose bucket a bucket of another stack is.
BY_DEFAULT_ONLY = ("permission-", "isolated-", "no-exfiltration", "removed-in-order")
MONITORS = {"data-quality", "label", "model-quality", "bias", "attribution"}

Synthesize = Callable[..., Assembly]


def lab() -> Lab:
    return pick(["d4_model_monitor"])[0]


def of(assembly: Assembly, type_: str) -> dict[str, dict[str, Any]]:
    return {name: entry for name, entry in assembly.template["Resources"].items() if entry["Type"] == type_}


@pytest.fixture
def portable(synthesize: Synthesize) -> Assembly:
    return synthesize(lab())


@pytest.fixture
def managed(synthesize: Synthesize) -> Assembly:
    return synthesize(lab(), place="monitor-sagemaker", **CHOICES["sagemaker"])


@pytest.fixture
def per_lab(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(PerInThisFolder)


class PerInThisFolder(PerLab):
    """Beside the other snapshots of templates."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(Path(test_location.filepath).parents[2] / "snapshots")


def test_template_with_model_monitor_is_the_reviewed_one(managed: Assembly, per_lab: SnapshotAssertion) -> None:
    assert stable(managed) == per_lab(name="d4_model_monitor.sagemaker")


@pytest.mark.parametrize("choice", CHOICES)
def test_no_choice_opens_a_finding_of_the_packs(choice: str, synthesize: Synthesize) -> None:
    assembly = synthesize(lab(), place=f"monitor-{choice}", **CHOICES[choice])
    assert unaccepted(assembly) == []


@pytest.mark.parametrize("choice", CHOICES)
def test_no_choice_opens_a_finding_of_the_own_rules(choice: str, synthesize: Synthesize, today: Any) -> None:
    assembly = synthesize(lab(), place=f"monitor-{choice}", **CHOICES[choice])
    rows = review([assembly], today=today, out=None, second_opinion=False).open
    assert [(r.rule, r.logical_id, r.evidence) for r in rows if not r.rule.startswith(BY_DEFAULT_ONLY)] == []


def test_alarms_look_where_the_publisher_writes(portable: Assembly) -> None:
    alarms = {
        entry["Properties"]["AlarmName"]: entry["Properties"]
        for entry in of(portable, "AWS::CloudWatch::Alarm").values()
        if "AlarmName" in entry["Properties"]
    }
    for monitor in MONITORS:
        alarm = alarms[f"Lab-d4-model-monitor-drift-{monitor}"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("Labs/ModelMonitor", "violations")
        named = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert named["MonitoringSchedule"] == f"lab-d4-model-monitor-{monitor}"
        assert named["Endpoint"] == {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
        assert alarm["TreatMissingData"] == "ignore"
    assert "Lab-d4-model-monitor-data-faults" in alarms


def test_only_alarms_on_drift_ask_for_training(portable: Assembly) -> None:
    [rule] = [e["Properties"] for e in of(portable, "AWS::Events::Rule").values() if "aws.cloudwatch" in str(e)]
    assert rule["EventPattern"]["detail"] == {
        "alarmName": [{"prefix": "Lab-d4-model-monitor-drift-"}], "state": {"value": ["ALARM"]},
    }  # fmt: skip


def test_schedules_go_before_jobs_are_stopped_and_jobs_before_what_they_use(portable: Assembly) -> None:
    [(stopped, entry)] = of(portable, "Custom::StopJobsOnDelete").items()
    schedules = {n: e for n, e in of(portable, "AWS::Scheduler::Schedule").items() if n.startswith("Monitors")}
    assert len(schedules) == 2
    assert all(stopped in schedule["DependsOn"] for schedule in schedules.values())
    policies = [name for name in of(portable, "AWS::IAM::ManagedPolicy") if name.startswith("AnalysisJobRole")]
    group = [name for name in of(portable, "AWS::EC2::SecurityGroup") if "WorkloadGroup" in name]
    assert set(policies + group) <= set(entry["DependsOn"])
    emptied = {name for name in of(portable, "Custom::EmptyOnDelete") if re.match("Outcomes|Baselines|Reports", name)}
    assert len(emptied) == 3
    assert emptied <= set(entry["DependsOn"])


def test_each_managed_schedule_runs_its_definition_in_the_order_that_names_cannot_tell(managed: Assembly) -> None:
    definitions = {
        entry["Properties"]["JobDefinitionName"]: name
        for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
        for name, entry in of(managed, f"AWS::SageMaker::{kind}JobDefinition").items()
    }
    schedules = of(managed, "AWS::SageMaker::MonitoringSchedule")
    assert len(definitions) == len(schedules) == 4
    for entry in schedules.values():
        config = entry["Properties"]["MonitoringScheduleConfig"]
        assert definitions[config["MonitoringJobDefinitionName"]] in entry["DependsOn"]
        # The documented grammar: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html
        assert re.fullmatch(
            r"NOW|cron\(0 (\*|\d{1,2}(/\d{1,2})?) \? \* \* \*\)", config["ScheduleConfig"]["ScheduleExpression"]
        )
        assert all(len(name) <= 63 for name in (entry["Properties"]["MonitoringScheduleName"], *definitions))


def test_executions_are_stopped_before_their_schedules_go(managed: Assembly) -> None:
    stopped = of(managed, "Custom::StopMonitoringOnDelete")
    schedules = of(managed, "AWS::SageMaker::MonitoringSchedule")
    assert len(stopped) == 4
    assert {name for entry in stopped.values() for name in entry["DependsOn"]} >= set(schedules)


def test_managed_jobs_have_no_public_path_and_one_key(managed: Assembly) -> None:
    for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"):
        [entry] = of(managed, f"AWS::SageMaker::{kind}JobDefinition").values()
        properties = entry["Properties"]
        assert properties["NetworkConfig"]["EnableInterContainerTrafficEncryption"] is True
        assert len(properties["NetworkConfig"]["VpcConfig"]["Subnets"]) == 2
        assert properties["NetworkConfig"]["EnableNetworkIsolation"] is (kind != "ModelExplainability")
        key = {"Fn::GetAtt": ["Key", "Arn"]}
        assert properties["JobResources"]["ClusterConfig"]["VolumeKmsKeyId"] == key
        assert next(v for k, v in properties.items() if k.endswith("OutputConfig"))["KmsKeyId"] == key
    assert of(managed, "AWS::Scheduler::Schedule").keys() == {
        n for n in of(managed, "AWS::Scheduler::Schedule") if "Expiry" in n
    }


def test_another_instance_type_gives_definitions_another_name(managed: Assembly, synthesize: Synthesize) -> None:
    other = synthesize(lab(), place="monitor-m5", **CHOICES["sagemaker"], monitor_instance_type="ml.m5.large")
    names = [
        {
            e["Properties"]["JobDefinitionName"]
            for e in a.template["Resources"].values()
            if e["Type"].endswith("JobDefinition")
        }
        for a in (managed, other)
    ]
    assert not names[0] & names[1]


def test_clarify_touches_shadow_endpoints_only(managed: Assembly) -> None:
    hosting = ("sagemaker:CreateEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint")
    for entry in of(managed, "AWS::IAM::ManagedPolicy").values():
        for statement in entry["Properties"]["PolicyDocument"]["Statement"]:
            if set(hosting) & set(statement["Action"]):
                on = statement["Resource"]
                assert all("/sm-clarify-" in str(each) for each in (on if isinstance(on, list) else [on]))


def test_an_endpoint_elsewhere_is_watched_and_none_is_hosted(synthesize: Synthesize) -> None:
    assembly = synthesize(lab(), place="monitor-watched", **CHOICES["watched"])
    assert of(assembly, "AWS::SageMaker::Endpoint") == of(assembly, "AWS::SageMaker::Model") == {}
    text = str(of(assembly, "AWS::IAM::ManagedPolicy"))
    assert "s3:::captures-of-another-lab/capture/*" in text
    assert ELSEWHERE["key_arn"] in text
    assert assembly.template["Outputs"]["EndpointName"]["Value"] == "lab-d3-realtime-endpoint"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"monitor_path": "clarify"}, "monitor_path"),
        ({"monitor_instance_type": "t3.large"}, "monitor_instance_type"),
        ({"watched_endpoint": {**ELSEWHERE, "capture_prefix": "/capture/"}}, "capture_prefix"),
        ({"watched_endpoint": {**ELSEWHERE, "capture_bucket_name": "A"}}, "capture_bucket_name"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.parse(given)
