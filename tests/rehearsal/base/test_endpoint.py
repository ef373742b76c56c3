"""An endpoint as a stack's resource: created, moved to a new configuration without a new name, and rolled back."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from tests.rehearsal.base.conftest import BOOTSTRAP, Cloud
from tests.rehearsal.base.every_type import att, ref, resource, trust

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ECHO = """
def model_fn(folder):
    return None

def transform_fn(model, body, kind, accept):
    return body, "text/csv"
"""


def archive(code: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(code)
        tar.addfile(member, io.BytesIO(code.encode()))
    return packed.getvalue()


def hosting(*, artefact: str, count: int, most: int = 4) -> dict[str, Any]:
    variant = {
        "VariantName": "main",
        "ModelName": att("Model", "ModelName"),
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1,
    }
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{BOOTSTRAP}/{artefact}",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    target = {
        "TargetValue": 600,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    return {
        "Role": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": trust("sagemaker.amazonaws.com")}),
        "Model": resource("AWS::SageMaker::Model", {"ExecutionRoleArn": att("Role", "Arn"), "PrimaryContainer": container}),
        "Config": resource("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant]}),
        "Endpoint": resource("AWS::SageMaker::Endpoint", {"EndpointConfigName": att("Config", "EndpointConfigName")}),
        "Target": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "ServiceNamespace": "sagemaker",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/main"},
                "MinCapacity": 1,
                "MaxCapacity": most,
                "ScheduledActions": [
                    {
                        "ScheduledActionName": "night",
                        "Schedule": "cron(0 20 * * ? *)",
                        "Timezone": "UTC",
                        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1},
                    }
                ],
            },
        ),
        "Policy": resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": "invocations",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": ref("Target"),
                "TargetTrackingScalingPolicyConfiguration": target,
            },
        ),
    }  # fmt: skip


def test_an_endpoint_lives_through_its_updates(cloud: Cloud) -> None:
    """GIVEN an endpoint in a stack WHEN updated well and badly THEN it keeps its name and always serves."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.put_object(Bucket=BOOTSTRAP, Key="good.tar.gz", Body=archive(ECHO))
    s3.put_object(Bucket=BOOTSTRAP, Key="bad.tar.gz", Body=archive("this is not Python"))

    stack = cloud.create(hosting(artefact="good.tar.gz", count=1))
    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    name = stack.physical("Endpoint").rsplit("/", 1)[-1]
    first = sagemaker.describe_endpoint(EndpointName=name)
    runtime = cloud.client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv")["Body"].read() == b"1,2"

    assert stack.update(hosting(artefact="good.tar.gz", count=2, most=6)) == "UPDATE_COMPLETE"
    second = sagemaker.describe_endpoint(EndpointName=name)
    assert second["EndpointStatus"] == "InService"
    assert second["EndpointConfigName"] != first["EndpointConfigName"]
    targets = cloud.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    assert [one["MaxCapacity"] for one in targets["ScalableTargets"] if name in one["ResourceId"]] == [6]

    assert stack.update(hosting(artefact="bad.tar.gz", count=2, most=6)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "did not stabilize" in stack.reasons("UPDATE_FAILED")["Endpoint"]
    third = sagemaker.describe_endpoint(EndpointName=name)
    assert (third["EndpointStatus"], third["EndpointConfigName"]) == ("InService", second["EndpointConfigName"])

    assert {logical_id: one["dropped"] for logical_id, one in stack.ledger().items() if one["dropped"]} == {}
    assert stack.ledger()["Endpoint"]["label"] == "executed"
    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]]
    # What the service writes outlives the stack, as in an account.
    cloud.client("logs").delete_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}")
