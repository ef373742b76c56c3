"""The claims of the README, checked against what is deployed. Run the steps first: some claims are about them."""

import json
from typing import Any

import pytest

from labkit.session import Session

DRIFT = ("data-quality", "attribution", "label", "model-quality", "bias")
PORTABLE = "portable"


def test_every_request_is_captured_encrypted(session: Session) -> None:
    """The endpoint captures every request and answer, under the lab's key."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    endpoint = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])
    assert endpoint["EndpointStatus"] == "InService"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])["DataCaptureConfig"]
    assert config["EnableCapture"] is True, "data capture is off: no monitor will ever see a request"
    assert config["InitialSamplingPercentage"] == 100
    assert {option["CaptureMode"] for option in config["CaptureOptions"]} == {"Input", "Output"}
    assert config["KmsKeyId"] == outputs["KeyArn"]


def test_jobs_have_no_network_and_one_key(session: Session) -> None:
    """Jobs of the monitor run without a network, in the lab's subnets, with encrypted volumes, outputs and traffic."""
    for name in jobs(session):
        job = session.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        network, cluster = job["NetworkConfig"], job["ProcessingResources"]["ClusterConfig"]
        assert network["EnableNetworkIsolation"] is True
        assert network["EnableInterContainerTrafficEncryption"] is True
        assert set(network["VpcConfig"]["Subnets"]) == set(session.outputs["SubnetIds"].split(","))
        assert network["VpcConfig"]["SecurityGroupIds"] == [session.outputs["WorkloadSecurityGroupId"]]
        assert cluster["VolumeKmsKeyId"] == session.outputs["KeyArn"]
        assert job["ProcessingOutputConfig"]["KmsKeyId"] == session.outputs["KeyArn"]
        assert job["RoleArn"] == session.outputs["JobRoleArn"]


def test_the_baseline_covers_every_column(session: Session) -> None:
    """The baseline knows every feature, the outcome and the prediction, the model's quality, its bias and attributions."""
    body = session.client("s3").get_object(
        Bucket=session.outputs["BaselinesBucketName"], Key="current/constraints.json"
    )["Body"]
    constraints = json.loads(body.read())
    config = json.loads((session.src / "monitor.json").read_text())
    wanted = {*config["features"], config["label"], "prediction"}
    assert {entry["name"] for entry in constraints["features"]} == wanted
    assert "accuracy" in constraints["binary_classification_constraints"]
    assert config["facet"]["column"] in constraints["post_training_bias_metrics"]["facets"]
    assert set(constraints["explanations"]["tree_shap"]["label0"]["global_shap_values"]) == set(config["features"])


@pytest.mark.parametrize("kind", ["fresh", "late"])
def test_clean_traffic_is_left_in_peace(session: Session, kind: str) -> None:
    """A thousand flights of other winter days raise no violation, neither fresh nor with their outcomes."""
    assert session.recall("traffic winter")["sent"] == 1000
    assert session.recall(f"report {kind} winter")["violations"] == []


@pytest.mark.parametrize(
    ("kind", "monitor"),
    [
        ("fresh", "data-quality"),
        ("fresh", "attribution"),
        ("late", "label"),
        ("late", "model-quality"),
        ("late", "bias"),
    ],
)
def test_the_summer_is_seen_by_each_monitor(session: Session, kind: str, monitor: str) -> None:
    """Real flights of June and July violate the constraints of data, attribution, label, quality and bias."""
    found = [monitor_of(violation) for violation in session.recall(f"report {kind} summer")["violations"]]
    assert monitor in found


def test_a_broken_sensor_is_a_fault_not_drift(session: Session) -> None:
    """A column that no longer arrives raises the alarm on broken input, and leaves every alarm on drift as it was."""
    found = session.recall("report fresh broken")["violations"]
    assert {v["feature_name"] for v in found if monitor_of(v) == "data-faults"} == {"humid"}
    assert raised(session, f"{session.stack}-data-faults")
    before, after = session.recall("alarms around the fault")
    drift = {name for name in after if name.startswith("drift-")}
    assert len(drift) == len(DRIFT)
    assert {name: before[name] for name in drift} == {name: after[name] for name in drift}


@pytest.mark.parametrize("monitor", DRIFT)
def test_each_alarm_looks_at_a_metric_that_is_published(session: Session, monitor: str) -> None:
    """Each alarm on drift looks at a metric, under the same dimensions, that the monitor really publishes."""
    alarm = described(session, f"{session.outputs['DriftAlarmsPrefix']}{monitor}")
    published = session.client("cloudwatch").list_metrics(
        Namespace=alarm["Namespace"], MetricName=alarm["MetricName"], Dimensions=alarm["Dimensions"]
    )["Metrics"]
    exact = [m for m in published if sorted(map(str, m["Dimensions"])) == sorted(map(str, alarm["Dimensions"]))]
    named = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert exact, f"nothing publishes {alarm['Namespace']} {alarm['MetricName']} under {named}: the alarm is blind"
    assert alarm["TreatMissingData"] == "ignore"


@pytest.mark.parametrize("monitor", DRIFT)
def test_each_alarm_was_raised_and_told(session: Session, monitor: str) -> None:
    """Each monitor of drift raised its alarm over the summer, and the alarm publishes to the encrypted topic."""
    name = f"{session.outputs['DriftAlarmsPrefix']}{monitor}"
    assert raised(session, name), f"{name} was never raised: {described(session, name).get('StateReason')}"
    topic = session.outputs["AlarmTopicArn"]
    assert topic in described(session, name)["AlarmActions"]
    attributes = session.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == session.outputs["KeyArn"]


def test_drift_asks_for_training_and_faults_do_not(session: Session) -> None:
    """Every alarm on drift asked for training through the encrypted queue; the broken sensor did not."""
    assert set(session.recall("requests")) == set(DRIFT)
    attributes = session.client("sqs").get_queue_attributes(
        QueueUrl=session.outputs["RetrainingRequestsUrl"], AttributeNames=["All"]
    )["Attributes"]
    assert attributes["KmsMasterKeyId"] == session.outputs["KeyArn"]
    assert "deadLetterTargetArn" in attributes["RedrivePolicy"]


def test_nothing_failed_on_the_way(session: Session) -> None:
    """No event was lost between schedules, launcher, publisher and queue."""
    attributes = session.client("sqs").get_queue_attributes(
        QueueUrl=session.outputs["UndeliveredUrl"], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    lost = int(attributes["ApproximateNumberOfMessages"])
    assert lost == 0, f"{lost} events were lost: read the messages of {session.outputs['UndeliveredUrl']} and the logs"
    if session.outputs["MonitorPathName"] == PORTABLE:
        told = published_runs(session)
        assert told >= len(jobs(session)), f"the publisher told CloudWatch of {told:.0f} jobs only"


def test_the_schedule_started_a_job_by_itself(session: Session) -> None:
    """The schedule started the job of a whole hour without anybody; afterwards the schedules are off."""
    if session.outputs["MonitorPathName"] != PORTABLE:
        for name in session.outputs["ScheduleNames"].split(","):
            found = session.client("sagemaker").describe_monitoring_schedule(MonitoringScheduleName=name)
            assert found["MonitoringScheduleStatus"] == "Stopped"
        return
    noted = session.recall("clock")
    assert noted["rows"] >= session.recall("traffic clock")["sent"]
    for name in session.outputs["ScheduleNames"].split(","):
        found = session.client("scheduler").get_schedule(Name=name)
        assert found["State"] == "DISABLED"
        assert found["ScheduleExpression"].startswith("cron(")


def test_pictures_were_drawn(session: Session) -> None:
    """Pictures show the columns that moved and what the model leans on, for winter and summer."""
    from pathlib import Path

    pictures = [Path(text) for text in session.recall("pictures")]
    assert len(pictures) == 4
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_buckets_are_private(session: Session) -> None:
    """Captured requests, outcomes, baselines and reports lie in private buckets under the lab's key."""
    s3 = session.client("s3")
    for name in ("CaptureBucketName", "OutcomesBucketName", "BaselinesBucketName", "ReportsBucketName"):
        bucket = session.outputs[name]
        blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4
        assert all(blocked.values()), bucket
        rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == session.outputs["KeyArn"]


def jobs(session: Session) -> list[str]:
    """Jobs that the steps started."""
    noted = [session.recall("baseline")["job"]]
    noted += [session.recall(f"report {kind} {name}")["job"] for kind, name in (
        ("fresh", "winter"), ("late", "winter"), ("fresh", "summer"), ("late", "summer"), ("fresh", "broken"))]  # fmt: skip
    return noted


def monitor_of(violation: dict[str, str]) -> str:
    check = violation["constraint_check_type"]
    if check == "bias_drift_check":
        return "bias"
    if check == "feature_attribution_drift_check":
        return "attribution"
    if "feature_name" not in violation:
        return "model-quality"
    if violation["feature_name"] == "late":
        return "label"
    return "data-quality" if check == "baseline_drift_check" else "data-faults"


def described(session: Session, name: str) -> dict[str, Any]:
    found = session.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert found, f"there is no alarm {name}"
    return dict(found[0])


def raised(session: Session, name: str) -> bool:
    items = session.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    return any("to ALARM" in item["HistorySummary"] for item in items["AlarmHistoryItems"])


def published_runs(session: Session) -> float:
    """How many jobs the publisher has told CloudWatch of."""
    from datetime import timedelta

    prefix = session.outputs["JobPrefix"]
    now = session.now()
    points = session.client("cloudwatch").get_metric_statistics(
        Namespace=session.outputs["MetricsNamespaceName"],
        MetricName="job_failed",
        Dimensions=[
            {"Name": "Endpoint", "Value": session.outputs["EndpointName"]},
            {"Name": "MonitoringSchedule", "Value": f"{prefix}-jobs"},
        ],
        StartTime=now - timedelta(hours=24),
        EndTime=now + timedelta(minutes=5),
        Period=300,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return float(sum(point["SampleCount"] for point in points))
