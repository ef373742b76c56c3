"""A scalable target names something that exists and can be scaled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Namespace: what its resource ids look like, its dimensions.
_FORMS = {
    "sagemaker": (
        r"endpoint/[^/]+/variant/[^/]+|inference-component/[^/]+",
        ("sagemaker:variant:DesiredInstanceCount", "sagemaker:variant:DesiredProvisionedConcurrency",
         "sagemaker:inference-component:DesiredCopyCount"),
    ),
    "ecs": (r"service/[^/]+/[^/]+", ("ecs:service:DesiredCount",)),
    "dynamodb": (r"table/[^/]+(/index/[^/]+)?", (
        "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits",
        "dynamodb:index:ReadCapacityUnits", "dynamodb:index:WriteCapacityUnits")),
    "lambda": (r"function:[^:]+:[^:]+", ("lambda:function:ProvisionedConcurrency",)),
    "rds": (r"cluster:[^:]+", ("rds:cluster:ReadReplicaCount",)),
    "kafka": (r"arn:.+", ("kafka:broker-storage:VolumeSize",)),
    "comprehend": (r"arn:.+", ("comprehend:document-classifier-endpoint:DesiredInferenceUnits",
                               "comprehend:entity-recognizer-endpoint:DesiredInferenceUnits")),
    "elasticache": (r"(replication-group|cache-cluster)/[^/]+", (
        "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas",
        "elasticache:cache-cluster:Nodes")),
    "elasticmapreduce": (r"instancegroup/[^/]+/[^/]+", ("elasticmapreduce:instancegroup:InstanceCount",)),
    "ec2": (r"spot-fleet-request/[^/]+", ("ec2:spot-fleet-request:TargetCapacity",)),
    "appstream": (r"fleet/[^/]+", ("appstream:fleet:DesiredCapacity",)),
    "neptune": (r"cluster:[^:]+", ("neptune:cluster:ReadReplicaCount",)),
    "cassandra": (r"keyspace/[^/]+/table/[^/]+", ("cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits")),
}  # fmt: skip


def look(resource: Resource, view: View) -> Iterable[Fault]:
    namespace = view.plain(resource.properties.get("ServiceNamespace"))
    given = view.text(resource.properties.get("ResourceId"))
    form, dimensions = _FORMS.get(namespace or "", ("", ()))
    if dimensions:
        dimension = view.plain(resource.properties.get("ScalableDimension"))
        if dimension is not None and dimension not in dimensions:
            error = (
                f"Unsupported service namespace, resource type or scalable dimension: {dimension} (ValidationException)"
            )
            yield Fault("ScalableDimension", dimension, f"{namespace} has no such dimension", error=error)
        if given and "${" in given and given.startswith("${") and given.endswith("}") and given.count("${") == 1:
            return
        if given and not re.fullmatch(form, re.sub(r"\$\{[^}]*\}", "x", given)):
            error = "Unsupported service namespace, resource type or scalable dimension (ValidationException)"
            yield Fault("ResourceId", given, f"a resource id of {namespace} has the form {form}", error=error)
    low, high = (text.number(resource.properties.get(name)) for name in ("MinCapacity", "MaxCapacity"))
    if low is not None and high is not None and low > high:
        error = "Maximum capacity cannot be less than minimum capacity (ValidationException)"
        yield Fault("MinCapacity", low, f"it is above MaxCapacity {high}", error=error)
    if namespace == "sagemaker" and given and "/variant/" in given:
        yield from _variant(resource, given, view)


def _variant(resource: Resource, given: str, view: View) -> Iterator[Fault]:
    endpoint = view.target(resource.properties.get("ResourceId"), "AWS::SageMaker::Endpoint")
    if endpoint is None:
        named = re.match(r"endpoint/([^/]+)/", given)
        found = view.by_name.get(named[1], []) if named else []
        endpoint = next((one for one in found if one.type == "AWS::SageMaker::Endpoint"), None)
    if endpoint is None:
        return
    if not view.graph.precedes(endpoint, resource):
        error = f"Could not find endpoint variant {given} (ValidationException)"
        yield Fault("ResourceId", given, f"the target does not wait for {endpoint.logical_id}", error=error,
                    fix=f"Derive the name from {endpoint.logical_id} with GetAtt, or add DependsOn.")  # fmt: skip
    config = view.target(endpoint.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
    if config is None:
        return
    wanted = given.rpartition("/variant/")[2]
    variants = [one for _, one in config.each("ProductionVariants.*") if isinstance(one, dict)]
    names = [view.text(one.get("VariantName")) or "AllTraffic" for one in variants]
    if "${" in wanted or any("${" in name for name in names):
        return
    if wanted not in names:
        error = f"Could not find variant {wanted} of the endpoint (ValidationException)"
        yield Fault("ResourceId", given, f"{config.logical_id} has no variant {wanted}, only {', '.join(names)}", error=error,
                    fix="Take the variant's name from the endpoint configuration.")  # fmt: skip
        return
    yield from _scalable(resource, variants[names.index(wanted)], wanted, view)


def _scalable(resource: Resource, variant: dict[str, Any], name: str, view: View) -> Iterator[Fault]:
    type_ = view.plain(variant.get("InstanceType")) or ""
    provisioned = (
        view.plain(resource.properties.get("ScalableDimension")) == "sagemaker:variant:DesiredProvisionedConcurrency"
    )
    if re.match(r"ml\.t\d", type_):
        yield Fault("ResourceId", type_, f"variant {name} runs on a burstable instance type, which cannot be scaled",
                    error=f"Scaling is not supported for the instance type {type_} (ValidationException)",
                    fix="Use an instance type that is not burstable, such as ml.m5.large.")  # fmt: skip
    serverless = isinstance(variant.get("ServerlessConfig"), dict)
    if serverless and not provisioned:
        yield Fault("ScalableDimension", None, f"variant {name} is serverless and has no instances to count",
                    fix="Use sagemaker:variant:DesiredProvisionedConcurrency, or drop the target.")  # fmt: skip
    if provisioned and not serverless:
        yield Fault("ScalableDimension", None, f"variant {name} is not serverless and has no concurrency to provision",
                    fix="Use sagemaker:variant:DesiredInstanceCount.")  # fmt: skip


CHECK = Check(
    id="deploy-scalable-target-valid",
    title="A scalable target names an existing variant, table or service that can be scaled",
    phase="create",
    why="Application Auto Scaling looks up what it is to scale when the target is registered.",
    fix="Derive ResourceId from the scaled resource, and use a type that can be scaled.",
    error="(ValidationException from RegisterScalableTarget)",
    sources=(
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
        "https://github.com/aws-controllers-k8s/community/pull/1633",
        "https://github.com/aws/aws-cdk/pull/22886",
    ),
    covers=("DF-049",),
    types=("AWS::ApplicationAutoScaling::ScalableTarget",),
    look=look,
)
