"""The estimate: what runs by the hour, what use drives, what is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.cost import estimate, unpriced

ENDPOINT = {
    "Config": {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {
            "ProductionVariants": [
                {"VariantName": "main", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2, "ModelName": "m"}
            ]
        },
    },
    "Endpoint": {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
    },
}
SCALING = {
    "Scaling": {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "MinCapacity": 1,
            "MaxCapacity": 3,
            "ResourceId": {
                "Fn::Join": ["", ["endpoint/", {"Fn::GetAtt": ["Endpoint", "EndpointName"]}, "/variant/main"]]
            },
            "ScheduledActions": [{"ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 4}}],
        },
    }
}


def _interface(*subnets: str) -> dict[str, Any]:
    properties = {"VpcEndpointType": "Interface", "SubnetIds": [{"Ref": subnet} for subnet in subnets]}
    return {"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}


def test_an_endpoint_costs_its_instances_for_as_long_as_it_exists(lab):
    # GIVEN an endpoint of two ml.m5.large, at 0.115 USD an hour each
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT))
    # THEN it costs twice that per hour, and 730 times as much in a forgotten month
    assert found.hourly == pytest.approx(0.23)
    assert found.hourly_most == pytest.approx(0.23)
    assert found.daily == pytest.approx(5.52)
    assert found.monthly == pytest.approx(167.9)


def test_scaling_says_how_much_an_endpoint_may_come_to_cost(lab):
    # GIVEN an endpoint that scales to three instances, and to four by schedule
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT | SCALING))
    # THEN it starts with two and may reach four
    assert found.hourly == pytest.approx(0.23)
    assert found.hourly_most == pytest.approx(0.46)
    assert found.monthly_most == pytest.approx(335.8)


def test_scaling_of_another_variant_leaves_an_endpoint_alone(lab):
    # GIVEN a scalable target that names a variant which the endpoint does not have
    other = json.loads(json.dumps(SCALING).replace("variant/main", "variant/other"))
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT | other))
    # THEN nothing scales
    assert found.hourly_most == found.hourly


def test_an_endpoint_configuration_that_no_endpoint_uses_costs_nothing(lab):
    # GIVEN a second configuration, for a later update
    later = {"Later": ENDPOINT["Config"]}
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT | later))
    # THEN only the one in use is counted
    assert found.hourly == pytest.approx(0.23)


def test_a_serverless_endpoint_has_a_unit_price_and_no_amount(lab):
    # GIVEN a serverless variant
    variant = {"VariantName": "main", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT | {"Config": config}))
    # THEN nothing runs by the hour and the price per second is there
    assert found.hourly == 0
    line = next(line for line in found.lines if line.item == "Serverless inference compute")
    assert line.kind == "usage"
    assert line.price is not None
    assert line.price.usd == 0.00002


def test_an_instance_type_without_a_price_is_said_and_not_counted_as_nothing(lab):
    # GIVEN an endpoint on a type that the table does not hold
    text = json.dumps(ENDPOINT).replace("ml.m5.large", "ml.inf1.xlarge")
    # WHEN it is estimated
    found = estimate(lab(json.loads(text)))
    # THEN the line is unknown and a note names it
    assert {line.kind for line in found.lines if line.item == "ml.inf1.xlarge hosting"} == {"unknown"}
    assert any("No price known for: SageMaker ml.inf1.xlarge hosting" in note for note in found.notes)


def test_interface_endpoints_cost_one_cent_per_zone_and_hour(lab):
    # GIVEN one interface endpoint in three zones and a gateway endpoint
    gateway = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}}
    # WHEN they are estimated
    found = estimate(lab({"Interface": _interface("A", "B", "C"), "Gateway": gateway}))
    # THEN only the interface endpoint costs, once per zone
    assert found.hourly == pytest.approx(0.03)


def test_a_key_costs_a_dollar_a_month(lab):
    # GIVEN a key
    # WHEN it is estimated
    found = estimate(lab({"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}))
    # THEN a month of 730 hours costs one dollar
    assert found.monthly == pytest.approx(1.0)


def test_the_first_three_dashboards_are_free(lab):
    # GIVEN four dashboards
    four = {f"Board{n}": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}} for n in range(4)}
    # WHEN they are estimated
    found = estimate(lab(four))
    # THEN one is charged
    assert found.monthly == pytest.approx(3.0)


def test_target_tracking_costs_the_alarms_that_it_creates(lab):
    # GIVEN a target-tracking policy and one alarm on a metric expression over two metrics
    policy = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {"PolicyType": "TargetTrackingScaling"},
    }
    metrics = [{"Id": "a", "MetricStat": {}}, {"Id": "b", "MetricStat": {}}, {"Id": "e", "Expression": "a+b"}]
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": metrics}}
    # WHEN they are estimated
    found = estimate(lab({"Policy": policy, "Alarm": alarm}))
    # THEN two alarms of the policy and two metrics of the alarm are counted, ten cents a month each
    assert found.monthly == pytest.approx(0.40)


def test_a_resource_under_a_condition_that_is_false_by_default_is_not_counted(lab):
    # GIVEN a NAT gateway behind a switch that is off, and one behind a switch that is on
    nat = {"Type": "AWS::EC2::NatGateway", "Properties": {}}
    sections = {
        "Parameters": {"Internet": {"Type": "String", "Default": "no"}},
        "Conditions": {
            "Open": {"Fn::Equals": [{"Ref": "Internet"}, "yes"]},
            "Shut": {"Fn::Not": [{"Condition": "Open"}]},
            "Both": {"Fn::And": [{"Condition": "Open"}, {"Condition": "Shut"}]},
            "Either": {"Fn::Or": [{"Condition": "Open"}, {"Condition": "Shut"}]},
        },
    }
    resources = {f"Nat{name}": nat | {"Condition": name} for name in sections["Conditions"]}
    # WHEN they are estimated
    found = estimate(lab(resources, **sections))
    # THEN those whose condition holds are counted
    assert {line.resource for line in found.lines} == {"NatShut", "NatEither"}


def test_a_condition_that_cannot_be_decided_counts_and_is_told(lab):
    # GIVEN a resource whose condition rests on a parameter without a default
    nat = {"Nat": {"Type": "AWS::EC2::NatGateway", "Condition": "Asked", "Properties": {}}}
    sections = {
        "Parameters": {"Answer": {"Type": "String"}},
        "Conditions": {"Asked": {"Fn::Equals": [{"Ref": "Answer"}, "yes"]}},
    }
    # WHEN it is estimated
    found = estimate(lab(nat, **sections))
    # THEN it is counted, and a note says so
    assert found.hourly == pytest.approx(0.045)
    assert any("Asked" in note for note in found.notes)


def test_a_parameter_and_a_choice_decide_the_number_of_instances(lab):
    # GIVEN an instance count that a condition chooses, given as text
    text = json.dumps(ENDPOINT).replace(
        '"InitialInstanceCount": 2', '"InitialInstanceCount": {"Fn::If": ["Big", "5", {"Ref": "Count"}]}'
    )
    sections = {
        "Parameters": {"Count": {"Type": "Number", "Default": "3"}, "Size": {"Type": "String", "Default": "small"}},
        "Conditions": {"Big": {"Fn::Equals": [{"Ref": "Size"}, "big"]}},
    }
    # WHEN it is estimated
    found = estimate(lab(json.loads(text), **sections))
    # THEN the default is counted
    assert found.hourly == pytest.approx(0.345)


def test_another_region_is_named_because_its_prices_differ(lab):
    # GIVEN a lab in Frankfurt
    # WHEN it is estimated
    found = estimate(lab(ENDPOINT, region="eu-central-1"))
    # THEN the note says whose prices these are
    assert "Prices of us-east-1; eu-central-1 differs." in found.notes


def test_a_type_without_a_rule_is_listed_and_shown_as_unknown(lab):
    # GIVEN a resource type that no rule knows
    strange = {"Pad": {"Type": "AWS::GroundStation::Config", "Properties": {}}}
    assembly = lab(ENDPOINT | strange)
    # WHEN it is estimated
    found = estimate(assembly)
    # THEN it is unknown in the estimate and named by the check
    assert [line.kind for line in found.lines if line.resource == "Pad"] == ["unknown"]
    assert unpriced(assembly.template) == ["AWS::GroundStation::Config"]


def test_every_resource_has_a_line(lab):
    # GIVEN resources of every kind: running, used, free, custom and unknown
    resources = ENDPOINT | {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Closed": {"Type": "Custom::Closed", "Properties": {}},
        "Pad": {"Type": "AWS::GroundStation::Config"},
    }
    # WHEN they are estimated
    found = estimate(lab(resources))
    # THEN none is left out
    assert {line.resource for line in found.lines} == resources.keys()


def test_a_monitoring_schedule_shows_the_price_of_the_instance_that_each_run_takes(lab):
    # GIVEN a schedule that names its job definition
    cluster = {"InstanceType": "ml.t3.large", "InstanceCount": 1, "VolumeSizeInGB": 20}
    resources = {
        "Definition": {
            "Type": "AWS::SageMaker::DataQualityJobDefinition",
            "Properties": {"JobResources": {"ClusterConfig": cluster}},
        },
        "Schedule": {
            "Type": "AWS::SageMaker::MonitoringSchedule",
            "Properties": {
                "MonitoringScheduleConfig": {
                    "MonitoringJobDefinitionName": {"Fn::GetAtt": ["Definition", "JobDefinitionName"]},
                    "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
                }
            },
        },
    }
    # WHEN it is estimated
    lines = [line for line in estimate(lab(resources)).lines if line.resource == "Schedule"]
    # THEN it is a unit price driven by the schedule
    assert [(line.kind, line.item) for line in lines] == [("usage", "ml.t3.large processing")]
    assert "cron(0 * ? * * *)" in lines[0].why


def test_a_pipeline_shows_the_instances_of_its_steps_also_under_a_condition(lab):
    # GIVEN a pipeline that trains, and processes only under a condition
    definition = {
        "Parameters": [{"Name": "Type", "DefaultValue": "ml.m5.xlarge"}],
        "Steps": [
            {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": {"InstanceType": "ml.m5.large"}}},
            {
                "Name": "Gate",
                "Type": "Condition",
                "Arguments": {
                    "IfSteps": [
                        {
                            "Name": "Report",
                            "Type": "Processing",
                            "Arguments": {
                                "ProcessingResources": {"ClusterConfig": {"InstanceType": {"Get": "Parameters.Type"}}}
                            },
                        }
                    ]
                },
            },
        ],
    }
    body = {"Fn::Join": ["", [json.dumps(definition)[:-1], "}"]]}
    pipeline = {
        "Type": "AWS::SageMaker::Pipeline",
        "Properties": {"PipelineDefinition": {"PipelineDefinitionBody": body}},
    }
    # WHEN it is estimated
    found = estimate(lab({"Pipeline": pipeline}))
    # THEN both are there as unit prices
    assert [(line.kind, line.item) for line in found.lines] == [
        ("usage", "ml.m5.large training"),
        ("usage", "ml.m5.xlarge processing"),
    ]


def test_the_json_holds_totals_lines_and_what_stays(lab):
    # GIVEN an endpoint
    # WHEN its estimate is written as JSON
    record = json.loads(estimate(lab(ENDPOINT)).to_json())
    # THEN a machine finds every figure with its source
    assert record["hourly"] == pytest.approx(0.23)
    running = next(line for line in record["lines"] if line["kind"] == "fixed")
    assert running["price"]["source"]
    assert running["price"]["as_of"] == "2026-08-01"
    assert record["after_destroy"][0]["what"] == "log group of the service"
