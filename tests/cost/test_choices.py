"""Which price applies, by how a resource is configured."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.cost import estimate
from labkit.cost.tables import driven, per_hour


def _shown(assembly) -> list[tuple[str, str]]:
    return [
        ("usage without price" if line.kind == "usage" and line.unpriced else line.kind, line.item)
        for line in estimate(assembly).lines
        if line.kind != "free"
    ]


@pytest.mark.parametrize(
    ("type_", "properties", "expected"),
    [
        (
            "Kinesis::Stream",
            {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
            [("fixed", "On-demand stream"), ("usage", "On-demand data in"), ("usage", "On-demand data out")],
        ),
        (
            "Kinesis::Stream",
            {"ShardCount": 2},
            [("fixed", "Provisioned shard"), ("usage", "PUT payload units of 25 KB")],
        ),
        ("Glue::Job", {"ExecutionClass": "FLEX"}, [("usage", "ETL job, Flex")]),
        ("Glue::Job", {}, [("usage", "ETL job")]),
        ("CodePipeline::Pipeline", {"PipelineType": "V2"}, [("usage", "V2 action minutes beyond 100 a month")]),
        ("CodePipeline::Pipeline", {}, [("fixed", "V1 active pipeline")]),
        (
            "CodeBuild::Project",
            {"Environment": {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL"}},
            [("usage", "Linux general1.small")],
        ),
        (
            "CodeBuild::Project",
            {"Environment": {"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_LARGE"}},
            [("usage without price", "ARM_CONTAINER general1.large")],
        ),
        (
            "StepFunctions::StateMachine",
            {"StateMachineType": "EXPRESS"},
            [("usage", "Express requests"), ("usage", "Express duration")],
        ),
        ("StepFunctions::StateMachine", {}, [("usage", "Standard transitions")]),
        ("SQS::Queue", {"FifoQueue": True}, [("usage", "Requests, FIFO queue")]),
        ("SQS::Queue", {}, [("usage", "Requests, standard queue")]),
        ("Lambda::Function", {"Architectures": ["arm64"]}, [("usage", "Requests"), ("usage", "Duration arm64")]),
        ("CloudWatch::Alarm", {"Period": 10}, [("unknown", "High-resolution alarm")]),
        ("CloudWatch::CompositeAlarm", {}, [("unknown", "Composite alarm")]),
        ("ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "StepScaling"}, []),
        ("EC2::EIP", {}, [("fixed", "Public IPv4 address")]),
        ("EC2::Volume", {"Size": 100, "VolumeType": "gp3"}, [("fixed", "gp3 storage")]),
        ("EC2::Volume", {"Size": 100, "VolumeType": "io2"}, [("unknown", "io2 storage")]),
        (
            "KMS::Key",
            {"KeySpec": "RSA_2048"},
            [("fixed", "Customer managed key"), ("usage without price", "RSA_2048 requests")],
        ),
        ("SecretsManager::Secret", {}, [("fixed", "Secret"), ("usage", "API calls")]),
        ("Budgets::Budget", {}, []),
        (
            "SageMaker::NotebookInstance",
            {"InstanceType": "ml.t3.medium"},
            [("fixed", "ml.t3.medium notebook"), ("unknown", "Notebook storage")],
        ),
        (
            "SageMaker::App",
            {"AppType": "JupyterLab", "ResourceSpec": {"InstanceType": "ml.m5.xlarge"}},
            [("fixed", "ml.m5.xlarge JupyterLab")],
        ),
        ("SageMaker::MlflowTrackingServer", {}, [("unknown", "MLflow tracking server Small")]),
        (
            "SageMaker::FeatureGroup",
            {"OnlineStoreConfig": {}},
            [("usage", f"Feature Store online {each}") for each in ("writes", "reads", "storage")],
        ),
        ("SageMaker::FeatureGroup", {"OfflineStoreConfig": {}}, [("usage", "Standard storage")]),
        ("SageMaker::MonitoringSchedule", {"MonitoringScheduleConfig": {}}, [("usage without price", "processing")]),
        (
            "SageMaker::Pipeline",
            {"PipelineDefinition": {"PipelineDefinitionS3Location": {}}},
            [("usage without price", "jobs of the pipeline")],
        ),
        ("SageMaker::Endpoint", {"EndpointConfigName": "elsewhere"}, [("unknown", "hosting")]),
    ],
)
def test_the_configuration_decides_the_price(lab, type_: str, properties: dict[str, Any], expected):
    # GIVEN a resource configured in one of several ways
    # WHEN it is estimated
    shown = _shown(lab({"It": {"Type": f"AWS::{type_}", "Properties": properties}}))
    # THEN the price of that way applies, or is said to be unknown
    assert shown == expected


def test_a_bucket_shows_what_acceleration_and_tiering_add(lab):
    # GIVEN one bucket with acceleration, one with tiering and one with neither
    fast = {"AccelerateConfiguration": {"AccelerationStatus": "Enabled"}}
    rule = {"Status": "Enabled", "Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 0}]}
    resources = {
        "Fast": {"Type": "AWS::S3::Bucket", "Properties": fast},
        "Tiered": {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": [rule]}}},
        "Plain": {"Type": "AWS::S3::Bucket"},
    }
    # WHEN they are estimated
    found = estimate(lab(resources))
    # THEN the first two have a line more, and the one without a price is noted
    added = {line.resource: line.item for line in found.lines if line.item.startswith(("Transfer", "Intelligent"))}
    assert added == {"Fast": "Transfer Acceleration", "Tiered": "Intelligent-Tiering monitoring"}
    assert "No price known for: S3 Intelligent-Tiering monitoring." in found.notes


def test_use_without_a_price_is_shown_and_leaves_the_hourly_figure_whole(lab):
    # GIVEN a table whose storage has no price in the region
    found = estimate(lab({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}}}))
    # WHEN it is shown
    rows = {row["what"]: row["unit price"] for row in driven(found)}
    # THEN the row says so, and the cost per hour is known to be nothing
    assert rows["DynamoDB: Storage"] == "no price known"
    assert per_hour(found) == "0.00"


@pytest.mark.parametrize(
    ("variant", "target", "expected"),
    [
        ({"InitialInstanceCount": 1}, {"MinCapacity": 2, "MaxCapacity": 3}, (0.23, 0.345)),
        ({"InitialInstanceCount": 1, "VolumeSizeInGB": 73}, {"MinCapacity": 1, "MaxCapacity": 1}, (0.129, 0.129)),
    ],
)
def test_an_endpoint_counts_what_scaling_keeps_and_the_volumes_it_has(lab, variant, target, expected):
    # GIVEN an endpoint whose scaling asks for more than it starts with, or whose instances have volumes of their own
    shared = {"VariantName": "main", "InstanceType": "ml.m5.large", **variant}
    scaled = {"ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/main"}, **target}
    resources = {
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [shared]}},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": "Config.EndpointConfigName"}},
        },
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": scaled},
    }
    # WHEN it is estimated
    found = estimate(lab(resources))
    # THEN both are in the figures
    assert (found.hourly, found.hourly_most) == pytest.approx(expected)


def test_shadow_variants_and_provisioned_concurrency_are_not_forgotten(lab):
    # GIVEN a serverless variant that is kept warm, and a shadow on an instance
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    properties = {
        "ProductionVariants": [{"VariantName": "main", "ServerlessConfig": serverless}],
        "ShadowProductionVariants": [{"VariantName": "dark", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
    }
    resources = {
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": properties},
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": {"Ref": "Config"}}},
    }
    # WHEN it is estimated
    shown = _shown(lab(resources))
    # THEN the shadow runs by the hour, and the price of warmth is said to be unknown
    assert ("fixed", "ml.m5.large hosting") in shown
    assert ("unknown", "Provisioned concurrency") in shown


def test_a_property_that_is_no_value_counts_as_absent_and_a_list_parameter_as_a_list(lab):
    # GIVEN interface endpoints in subnets from a list parameter, and a type chosen as "no value"
    sections = {
        "Parameters": {"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>", "Default": "subnet-1,subnet-2,subnet-3"}}
    }
    resources = {
        "Interface": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {"VpcEndpointType": "Interface", "SubnetIds": {"Ref": "Subnets"}},
        },
        "Gateway": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": {"Ref": "AWS::NoValue"}}},
    }
    # WHEN they are estimated
    found = estimate(lab(resources, **sections))
    # THEN the first costs in three zones, the second is a gateway
    assert found.hourly == pytest.approx(0.03)
