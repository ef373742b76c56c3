"""The claims of the README, checked against what is deployed. Run the steps first: some claims are about them."""

import csv
import ipaddress
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from labkit.session import Session

AUC_FLOOR = 0.66  # of version 1 on the holdout days; training reached 0.71, a coin 0.5


def test_endpoint_is_in_service_inside_the_vpc(session: Session) -> None:
    """The endpoint is in service, on the stack's own configuration, in the lab's subnets, with network isolation on."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    endpoint = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == outputs["EndpointConfigName"]
    assert config(session)["ProductionVariants"][0]["ModelName"] == outputs["ModelName"]
    model = sagemaker.describe_model(ModelName=outputs["ModelName"])
    assert model["EnableNetworkIsolation"] is True
    assert set(model["VpcConfig"]["Subnets"]) == set(outputs["SubnetIds"].split(","))
    assert model["VpcConfig"]["SecurityGroupIds"] == [outputs["WorkloadSecurityGroupId"]]


def test_the_container_starts_without_a_network(session: Session) -> None:
    """The model's environment names the code in the artefact and keeps pip from asking an index for build tools."""
    model = session.client("sagemaker").describe_model(ModelName=session.outputs["ModelName"])
    environment = model["PrimaryContainer"]["Environment"]
    assert environment["SAGEMAKER_PROGRAM"] == "inference.py"
    assert environment["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"
    assert environment["PIP_NO_BUILD_ISOLATION"] == "false"  # pip reads it as the value of build_isolation
    assert environment["PIP_NO_INDEX"] == "true"


def test_predictions_are_good(session: Session) -> None:
    """Predictions asked for inside the VPC rank late flights before punctual ones: the AUC is at least 0.66."""
    rows, late = holdout(session)
    scores = np.array(predictions(session))
    assert len(scores) == len(rows)
    pairs = scores[late][:, None] - scores[~late][None, :]
    assert (pairs > 0).mean() + (pairs == 0).mean() / 2 >= AUC_FLOOR


def test_predictions_are_those_of_the_model_in_this_folder(session: Session) -> None:
    """The endpoint gives what version 1 of the model in src/model_v1 gives here for the same flights."""
    rows, _ = holdout(session)
    model = xgb.Booster(model_file=str(session.src / "model_v1" / "xgboost-model.json"))
    table = xgb.DMatrix(np.array(rows, dtype=np.float32), feature_names=model.feature_names)
    assert predictions(session) == pytest.approx(model.predict(table).tolist(), abs=1e-5)


def test_a_wrong_request_is_refused_with_a_reason(session: Session) -> None:
    """A row of the wrong width gets 400 and the number of values that the model expects."""
    answer = ask(session, {"rows": [[1, 2, 3]]})
    assert answer["status"] == 400
    assert "Row 1 has 3 values; 16 are expected" in answer["error"]


def test_requests_are_captured_and_encrypted(session: Session) -> None:
    """The first prediction's request and answer lie in the capture bucket, encrypted with the lab's key."""
    first, capture = session.recall("first_prediction"), session.recall("capture")
    s3, bucket = session.client("s3"), session.outputs["CaptureBucketName"]
    found = s3.get_object(Bucket=bucket, Key=capture["key"])
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == session.outputs["KeyArn"]
    records = [json.loads(line) for line in found["Body"].read().decode().splitlines()]
    record = next(r for r in records if r["eventMetadata"].get("inferenceId") == first["inference_id"])
    flights = [[float(cell or "nan") for cell in line.split(",")] for line in lines(record, "endpointInput")]
    rows, _ = holdout(session)
    assert flights == pytest.approx(np.array(rows[:10], dtype=float), nan_ok=True)
    assert [float(line) for line in lines(record, "endpointOutput")] == first["predictions"]


def test_buckets_are_private(session: Session) -> None:
    """Public access to the capture bucket and to the bucket of its access logs is blocked in all four ways."""
    s3, bucket = session.client("s3"), session.outputs["CaptureBucketName"]
    logs = s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"]
    for name in (bucket, logs):
        blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4
        assert all(blocked.values()), name


def test_three_metrics_scale_the_endpoint(session: Session) -> None:
    """Invocations per instance, model latency and CPU scale the endpoint within the bounds of the stack.

    A burstable instance type cannot scale; the claim then is that nothing tries to.
    """
    target = scalable_target(session)
    if burstable(session):
        assert target is None
        return
    assert target is not None
    day = (int(session.outputs["MinInstances"]), int(session.outputs["MaxInstances"]))
    assert (target["MinCapacity"], target["MaxCapacity"]) in {day, *(bounds(a) for a in scheduled(session))}
    policies = scaling(session).describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource(session))
    tracked = {}
    for policy in policies["ScalingPolicies"]:
        assert policy["PolicyType"] == "TargetTrackingScaling"
        settings = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = settings.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        tracked[metric or settings["CustomizedMetricSpecification"]["MetricName"]] = settings["TargetValue"]
    assert set(tracked) == {"SageMakerVariantInvocationsPerInstance", "ModelLatency", "CPUUtilization"}
    assert tracked["SageMakerVariantInvocationsPerInstance"] == float(session.outputs["ScalingTargetInvocations"])


def test_load_made_a_policy_ask_for_capacity(session: Session) -> None:
    """Load above the target made a policy, not the clock, ask for more instances."""
    noted = session.recall("scaling")
    assert noted["possible"] is not burstable(session)
    if burstable(session):
        return
    activities = scaling(session).describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=resource(session)
    )["ScalingActivities"]
    asked = [a for a in activities if a["Cause"] == noted["cause"] and "triggered policy" in a["Cause"]]
    assert asked
    assert any(int("".join(filter(str.isdigit, a["Description"]))) > noted["before"] for a in asked)


def test_the_clock_scales_the_endpoint(session: Session) -> None:
    """The range of instances falls in the evening and rises in the morning; a one-off action showed how."""
    noted = session.recall("scheduled")
    assert noted["possible"] is not burstable(session)
    actions = scheduled(session)
    if burstable(session):
        assert not actions
        return
    assert len(actions) == 2  # the one-off action is gone
    assert all(action["Schedule"].startswith("cron(") for action in actions)
    morning, evening = sorted((bounds(action) for action in actions), reverse=True)
    assert morning == (int(session.outputs["MinInstances"]), int(session.outputs["MaxInstances"]))
    assert evening[0] == 1
    assert evening[1] <= morning[1]
    assert noted["after"] == 1


def test_alarms_publish_to_an_encrypted_topic(session: Session) -> None:
    """Alarms on server errors, client errors, latency and missing capacity publish to a topic under the lab's key."""
    topic, endpoint = session.outputs["AlarmTopicArn"], session.outputs["EndpointName"]
    watched = set()
    for page in session.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
        for alarm in page["MetricAlarms"]:
            if topic not in alarm["AlarmActions"] or endpoint not in json.dumps(alarm, default=str):
                continue
            assert alarm["ActionsEnabled"]
            assert alarm["TreatMissingData"] == "notBreaching"
            watched |= {alarm["MetricName"]} if alarm.get("MetricName") else {m["Id"] for m in alarm["Metrics"]}
    assert {"Invocation5XXErrors", "Invocation4XXErrors", "ModelLatency"} <= watched
    assert len(watched) > 3, "the alarm on missing capacity computes with metrics of its own"
    attributes = session.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == session.outputs["KeyArn"]


def test_no_route_leads_to_the_internet(session: Session) -> None:
    """No route of the VPC leads to an internet, NAT or transit gateway, and connections to the internet failed."""
    ec2, vpc = session.client("ec2"), session.outputs["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert tables
    for route in (route for table in tables for route in table["Routes"]):
        way = route.get("GatewayId", "none")
        assert way == "local" or way.startswith("vpce-"), route
        assert not {"NatGatewayId", "TransitGatewayId", "EgressOnlyInternetGatewayId"} & set(route), route
    noted = session.recall("isolation")
    assert len(noted["tried"]) == 2
    assert noted["reached"] == []
    assert ask(session, {"probe": "internet"})["reached"] == []


def test_the_runtime_is_reached_privately(session: Session) -> None:
    """The SageMaker runtime is reached through an interface endpoint in the lab's subnets that passes predictions."""
    ec2, outputs = session.client("ec2"), session.outputs
    subnets = ec2.describe_subnets(SubnetIds=outputs["SubnetIds"].split(","))["Subnets"]
    found = [
        endpoint
        for endpoint in ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [outputs["VpcId"]]}])[
            "VpcEndpoints"
        ]
        if endpoint["ServiceName"].endswith(".sagemaker.runtime")
    ]
    assert len(found) == 1
    assert found[0]["PrivateDnsEnabled"] is True
    assert set(found[0]["SubnetIds"]) == {subnet["SubnetId"] for subnet in subnets}
    listed = [statement["Action"] for statement in json.loads(found[0]["PolicyDocument"])["Statement"]]
    actions = {action for each in listed for action in ([each] if isinstance(each, str) else each)}
    assert "sagemaker:InvokeEndpoint" in actions
    assert all(action.startswith("sagemaker:InvokeEndpoint") for action in actions)
    addresses = [ipaddress.ip_address(text) for text in ask(session, {"probe": "endpoint"})["addresses"]]
    assert addresses
    if all(address.is_loopback for address in addresses):
        return  # an emulated network has one machine: there the claim rests on the configuration above alone
    ranges = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in subnets]
    assert all(any(address in block for block in ranges) for address in addresses), addresses


def test_the_update_failed_no_request(session: Session) -> None:
    """The update to version 2 and back failed no request, version 2 ranked better, and nothing of it is left."""
    noted = session.recall("update")
    assert noted["while_updating"] >= 10
    assert noted["failed"] == 0
    assert noted["mean_difference"] > 0.005
    first, second = noted["auc"]
    assert second > first
    sagemaker, name = session.client("sagemaker"), f"{session.outputs['EndpointName']}-v2"
    assert name not in [model["ModelName"] for model in sagemaker.list_models(NameContains=name)["Models"]]
    configs = sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    assert name not in [config["EndpointConfigName"] for config in configs]
    assert session.left_by_steps == []


def ask(session: Session, event: dict[str, Any]) -> dict[str, Any]:
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["CallerFunctionName"], Payload=json.dumps(event).encode()
    )
    answer: dict[str, Any] = json.loads(called["Payload"].read())
    assert "FunctionError" not in called, answer
    return answer


@cache
def predictions(session: Session) -> list[float]:
    answer = ask(session, {"rows": holdout(session)[0]})
    assert answer["status"] == 200, answer
    return list(answer["predictions"])


def holdout(session: Session) -> tuple[list[list[float | None]], np.ndarray]:
    with (session.data / "holdout.csv").open(newline="") as file:
        table = list(csv.reader(file))[1:]
    rows = [[float(cell) if cell else None for cell in row[1:]] for row in table]
    return rows, np.array([row[0] == "1" for row in table])


def lines(record: dict[str, Any], part: str) -> list[str]:
    return list(record["captureData"][part]["data"].splitlines())


@cache
def config(session: Session) -> dict[str, Any]:
    name = session.outputs["EndpointConfigName"]
    return dict(session.client("sagemaker").describe_endpoint_config(EndpointConfigName=name))


def burstable(session: Session) -> bool:
    return bool(config(session)["ProductionVariants"][0]["InstanceType"].startswith("ml.t"))


def scaling(session: Session) -> Any:
    return session.client("application-autoscaling")


def resource(session: Session) -> str:
    return f"endpoint/{session.outputs['EndpointName']}/variant/{session.outputs['VariantName']}"


def scalable_target(session: Session) -> dict[str, Any] | None:
    found = scaling(session).describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource(session)])
    return found["ScalableTargets"][0] if found["ScalableTargets"] else None


def scheduled(session: Session) -> list[dict[str, Any]]:
    found = scaling(session).describe_scheduled_actions(ServiceNamespace="sagemaker", ResourceId=resource(session))
    return list(found["ScheduledActions"])


def bounds(action: dict[str, Any]) -> tuple[int, int]:
    to = action["ScalableTargetAction"]
    return to["MinCapacity"], to["MaxCapacity"]
