"""The claims of the README, checked against what is deployed. Run the steps first: some claims are about them."""

import json
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).parent / "steps" / "shipping.py"))


def test_the_good_version_serves_inside_the_vpc(session: Session) -> None:
    """After two bad versions, version 2 answers every request, from containers in the lab's subnets with isolation on."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    found = endpoint(session)
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == outputs["EndpointConfigName"]
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == int(outputs["FleetInstances"])
    assert "PendingDeploymentSummary" not in found
    model = sagemaker.describe_model(ModelName=outputs["ModelName"])
    assert model["EnableNetworkIsolation"] is True
    assert set(model["VpcConfig"]["Subnets"]) == set(outputs["SubnetIds"].split(","))
    assert _SHARED["Traffic"](session).send(20)["by"] == {"v2": 20}


def test_the_update_was_guarded_by_every_alarm(session: Session) -> None:
    """The last update went by canary of one instance, and each of the stack's three alarms could have ended it."""
    policy = endpoint(session)["LastDeploymentConfig"]
    routing = policy["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]) == ("CANARY", {"Type": "INSTANCE_COUNT", "Value": 1})
    assert policy["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] > 0
    named = {alarm["AlarmName"] for alarm in policy["AutoRollbackConfiguration"]["Alarms"]}
    assert named == set(session.outputs["AlarmNames"].split(",")), "an alarm that is not named rolls nothing back"
    assert len(named) == 3


def test_the_alarms_look_at_the_new_fleet(session: Session) -> None:
    """Errors and latency are watched for the fleet of the newest configuration alone, quality for the endpoint."""
    outputs = session.outputs
    variant = {"EndpointName": outputs["EndpointName"], "VariantName": outputs["VariantName"]}
    fleet = {**variant, "EndpointConfigName": outputs["EndpointConfigName"]}
    wanted = {
        "Invocation5XXErrors": fleet,
        "ModelLatency": fleet,
        "BrierScore": {"EndpointName": outputs["EndpointName"]},
    }
    watched = {
        alarm["MetricName"]: {one["Name"]: one["Value"] for one in alarm["Dimensions"]} for alarm in alarms(session)
    }
    assert watched == wanted, "an alarm on other dimensions sees nothing of the new fleet"
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms(session))


def test_alarms_publish_to_an_encrypted_topic(session: Session) -> None:
    """Every alarm also tells a topic under the lab's key."""
    topic = session.outputs["AlarmTopicArn"]
    assert all(alarm["ActionsEnabled"] and topic in alarm["AlarmActions"] for alarm in alarms(session))
    attributes = session.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == session.outputs["KeyArn"]


def test_the_canary_took_its_share_of_the_requests(session: Session) -> None:
    """During the canary one instance's share of the requests went to version 2, then all of them; none failed."""
    record = session.recall("canary")
    assert record["stack"] == "UPDATE_COMPLETE"
    assert record["alarms"] == []
    fleet = int(session.outputs["FleetInstances"])
    assert list(shares(record, "v2")) == [1, fleet]
    assert shares(record, "v2")[1] == pytest.approx(1 / fleet, abs=0.15)
    assert shares(record, "v2")[fleet] == 1
    assert _SHARED["failures"](total(record)) == 0


def test_equal_steps_took_equal_shares(session: Session) -> None:
    """With TrafficShift=LINEAR each instance's share moved in a step of its own; no request failed."""
    record = session.recall("linear")
    assert record["stack"] == "UPDATE_COMPLETE"
    fleet = int(session.outputs["FleetInstances"])
    moved = shares(record, "v1")
    assert list(moved) == list(range(1, fleet + 1))
    assert moved == pytest.approx({step: step / fleet for step in moved}, abs=0.15)
    assert _SHARED["failures"](total(record)) == 0


def test_cloudwatch_counts_the_fleets_together_and_apart(session: Session) -> None:
    """The variant's metric counted every request of the canary; the two configurations' metrics told the fleets apart."""
    measured, sent = session.recall("measured"), total(session.recall("canary"))
    assert measured["together"] == sum(sent.values())
    assert (measured["before"], measured["after"]) == (sent["v1"], sent["v2"])


def test_errors_brought_the_old_version_back(session: Session) -> None:
    """Version 3 failed with 500 on the canary alone, the alarm on errors ended it, and version 1 went on without an error."""
    record = returned(session, "errors")
    assert record["alarms"] == [name for name in session.outputs["AlarmNames"].split(",") if name.endswith("-Errors")]
    on_canary = total(record, active=1)
    assert on_canary["500"] > 0
    assert on_canary["500"] / sum(on_canary.values()) == pytest.approx(
        1 / int(session.outputs["FleetInstances"]), abs=0.2
    )
    assert record["seen"][-1]["by"].keys() == {"v1"}
    everything = total(record)
    assert everything.keys() == {"v1", "500"}
    assert everything["500"] <= on_canary["500"] + _SHARED["REQUESTS"]  # one look may fall on the way back


def test_wrong_answers_brought_the_old_version_back(session: Session) -> None:
    """Version 4 failed no request and was not slow; the alarm on quality ended it, and version 1 went on."""
    record = returned(session, "quality")
    assert record["alarms"] == [name for name in session.outputs["AlarmNames"].split(",") if name.endswith("-Quality")]
    assert total(record, active=1)["v4"] > 0
    assert _SHARED["failures"](total(record)) == 0
    assert record["seen"][-1]["by"].keys() == {"v1"}


def test_a_stack_that_was_rolled_back_goes_on(session: Session) -> None:
    """The same stack was updated after both rollbacks, and its endpoint kept its name and its variant's name."""
    record = session.recall("again")
    assert record["stack"] == "UPDATE_COMPLETE"
    status, parameters = _SHARED["stack"](session)
    assert (status, parameters["ModelVersion"]) == ("UPDATE_COMPLETE", "v2")
    assert [one["VariantName"] for one in endpoint(session)["ProductionVariants"]] == [session.outputs["VariantName"]]
    assert session.left_by_steps == []


def test_both_fleets_are_captured_encrypted(session: Session) -> None:
    """Requests to both fleets of the canary lie under one variant's prefix of the capture bucket, under the lab's key."""
    s3, outputs = session.client("s3"), session.outputs
    prefix = f"{outputs['CapturePrefix']}/{outputs['EndpointName']}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=outputs["CaptureBucketName"], Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    assert keys
    assert {key.removeprefix(prefix).split("/")[0] for key in keys} == {outputs["VariantName"]}
    answers: dict[str, set[str]] = {}
    for key in sorted(keys):
        found = s3.get_object(Bucket=outputs["CaptureBucketName"], Key=key)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", outputs["KeyArn"])
        for line in found["Body"].read().decode().splitlines():
            record = json.loads(line)["captureData"]
            same = answers.setdefault(record["endpointInput"]["data"].strip(), set())
            same.add(record["endpointOutput"]["data"].strip())
            if len(same) > 1:
                return  # the same flights, answered by two versions
    pytest.fail("no captured request was answered by two versions")


def test_no_route_leads_to_the_internet(session: Session) -> None:
    """No route of the VPC leads to an internet, NAT or transit gateway."""
    vpc = session.outputs["VpcId"]
    tables = session.client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert tables
    for route in (route for table in tables for route in table["Routes"]):
        way = route.get("GatewayId", "none")
        assert way == "local" or way.startswith("vpce-"), route
        assert not {"NatGatewayId", "TransitGatewayId", "EgressOnlyInternetGatewayId"} & set(route), route


def test_the_capture_bucket_is_private(session: Session) -> None:
    """Public access to the capture bucket is blocked in all four ways."""
    bucket = session.outputs["CaptureBucketName"]
    blocked = session.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())


def endpoint(session: Session) -> dict[str, Any]:
    return dict(_SHARED["endpoint"](session))


@cache
def alarms(session: Session) -> list[dict[str, Any]]:
    names = session.outputs["AlarmNames"].split(",")
    found = session.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in found} == set(names)
    return list(found)


def returned(session: Session, name: str) -> dict[str, Any]:
    """Give the record of a version that was taken back."""
    record = dict(session.recall(name))
    assert record["stack"] == "UPDATE_ROLLBACK_COMPLETE"
    assert record["configuration"]["after"] == record["configuration"]["before"]
    return record


def total(record: dict[str, Any], *, active: int | None = None) -> dict[str, int]:
    """Count answers, of all looks or of those while so many new instances had traffic."""
    looks = [look for look in record["seen"] if active is None or look["active"] == active]
    return dict(_SHARED["counted"](looks))


def shares(record: dict[str, Any], version: str) -> dict[int, float]:
    """Give the version's share of the answers by new instances with traffic."""
    steps = sorted({look["active"] for look in record["seen"] if look["active"] > 0})
    return {
        step: total(record, active=step).get(version, 0) / sum(total(record, active=step).values()) for step in steps
    }
