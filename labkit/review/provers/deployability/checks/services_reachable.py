"""A workload in subnets reaches the services it cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.artefacts import held_back
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("workloads", "workload")
_CUSTOM_SILENT = "CloudFormation did not receive a response from your Custom Resource. (after up to two hours)"
_REGISTRY = re.compile(r"\.dkr\.ecr\.|\$\{[^}]*(?:Repository|Repo)")
# Actions of a role that make its code call a service.
_CALLS = {"glue:GetTable": "glue", "kms:Decrypt": "kms", "sts:AssumeRole": "sts", "logs:PutLogEvents": "logs"}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS.get(resource.type, ()):
        if all(view.plain(resource.one(path)) == value for path, value in row.get("equals", {}).items()):
            yield from _reach(resource, row["subnets"], row["needs"], row["error"], view)
    if resource.type == "AWS::SageMaker::Model":
        yield from _artefact(resource, view)
    if resource.type == "AWS::ECS::Service":
        yield from _task(resource, view)
    if resource.type == "AWS::EMRServerless::Application":
        roles = [
            one
            for one in view.of("AWS::IAM::Role")
            if "emr-serverless.amazonaws.com" in str(one.properties.get("AssumeRolePolicyDocument"))
        ]
        needs = sorted(
            {service for role in roles for action, service in _CALLS.items() if view.roles.may(role, action) == "yes"}
        )
        yield from _reach(
            resource, "NetworkConfiguration.SubnetIds", needs, "(the job fails: connection time-out)", view
        )
    if resource.type == "AWS::Lambda::Function":
        yield from _function(resource, view)


def _reach(
    resource: Resource, subnets_at: str, services: Iterable[str], error: str, view: View, *, fix: str = ""
) -> Iterator[Fault]:
    values = view.items(resource, subnets_at)
    if not values or not services:
        return
    subnets = view.network.subnets(values)
    missing = {service: path for service in services if (path := view.network.path(subnets, service)) != "yes"}
    for verdict in ("no", "unknown"):
        names = [service for service, path in missing.items() if path == verdict]
        if names:
            what = (
                f"no route leads from these subnets to {', '.join(names)}"
                if verdict == "no"
                else f"the subnets' routes or endpoints are not in the template; whether they lead to {', '.join(names)} "
                "is not known"
            )
            yield Fault(subnets_at, values, what, error=error, fix=fix or _fix(names), undecided=verdict == "unknown")


def _fix(services: Iterable[str]) -> str:
    return (
        f"Add endpoints for {', '.join(services)} to the VPC (for s3 a gateway endpoint on the subnets' route table)."
    )


def _artefact(model: Resource, view: View) -> Iterator[Fault]:
    for path, value, endpoint in held_back(model, view):
        yield Fault(
            path,
            value,
            f"the policy of {endpoint.logical_id} does not let anyone read it",
            error=_ROWS["AWS::SageMaker::Model"][0]["error"],
            fix=f"Allow s3:GetObject on the artefact's bucket in the policy of {endpoint.logical_id}.",
        )


def _task(service: Resource, view: View) -> Iterator[Fault]:
    if view.plain(service.one("NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp")) == "ENABLED":
        return
    definition = view.target(service.properties.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    if definition is None:
        return
    needs: set[str] = set()
    for _, container in definition.each("ContainerDefinitions.*"):
        if not isinstance(container, dict):
            continue
        image = view.text(container.get("Image")) or ""
        if _REGISTRY.search(image):
            needs |= {"ecr.api", "ecr.dkr", "s3"}
        logging = container.get("LogConfiguration")
        if isinstance(logging, dict) and logging.get("LogDriver") == "awslogs":
            needs.add("logs")
        for secret in container.get("Secrets") or () if isinstance(container.get("Secrets"), list) else ():
            source = view.text(secret.get("ValueFrom")) if isinstance(secret, dict) else None
            needs.add("ssm" if source and ":ssm:" in source else "secretsmanager")
    if view.given(definition, "Volumes.*.EFSVolumeConfiguration"):
        needs.add("elasticfilesystem")
    error = _ROWS["AWS::ECS::Service"][0]["error"]
    yield from _reach(service, "NetworkConfiguration.AwsvpcConfiguration.Subnets", sorted(needs), error, view)


def _function(function: Resource, view: View) -> Iterator[Fault]:
    if not view.given(function, "VpcConfig.SubnetIds"):
        return
    at = "VpcConfig.SubnetIds"
    users = [view.template.resources[name] for name in view.graph.users(function)]
    custom = [one for one in users if _is_custom(one)]
    if custom:
        fix = "Add an S3 gateway endpoint to the subnets' route table, or take the function out of the VPC."
        yield from _reach(function, at, ["s3"], _CUSTOM_SILENT, view, fix=fix)
    if any(one.type.startswith("Custom::AWSCDK-EKS") or one.type == "AWS::EKS::Cluster" for one in custom) or _kubectl(
        function, view
    ):
        error = "TimeoutError: Connection timed out after 120000ms (custom resource)"
        yield from _reach(function, at, ["eks", "sts", "ecr.api", "ecr.dkr", "s3"], error, view)
    if any(one.type == "AWS::SecretsManager::RotationSchedule" for one in users):
        error = "A previous rotation isn't complete. That rotation will be reattempted."
        yield from _reach(function, at, ["secretsmanager"], error, view)
    role = view.roles.of(function.properties.get("Role"))
    if role is not None and view.roles.may(role, "sts:AssumeRole") == "yes":
        yield from _sts(function, view)


def _is_custom(resource: Resource) -> bool:
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def _kubectl(function: Resource, view: View) -> bool:
    role = view.roles.of(function.properties.get("Role"))
    layers = view.items(function, "Layers")
    named = (
        any("kubectl" in (view.text(one) or "").lower() for one in layers) or "kubectl" in function.logical_id.lower()
    )
    return named and role is not None


def _sts(function: Resource, view: View) -> Iterator[Fault]:
    subnets = view.network.subnets(view.items(function, "VpcConfig.SubnetIds"))
    if subnets is None or all(view.network.is_open(one) == "yes" for one in subnets):
        return
    yield from _reach(
        function, "VpcConfig.SubnetIds", ["sts"], "(time-out of https://sts.<region>.amazonaws.com)", view
    )
    mode = view.plain(function.one("Environment.Variables.AWS_STS_REGIONAL_ENDPOINTS"))
    runtime = view.plain(function.properties.get("Runtime")) or ""
    if mode != "regional" and (mode == "legacy" or _old(runtime)):
        yield Fault(
            "Environment.Variables.AWS_STS_REGIONAL_ENDPOINTS",
            mode,
            f"the SDK of {runtime or 'this image'} may call sts.amazonaws.com, which no endpoint answers for",
            error="(time-out of https://sts.amazonaws.com)",
            fix="Set the variable AWS_STS_REGIONAL_ENDPOINTS to regional.",
        )


def _old(runtime: str) -> bool:
    match = re.fullmatch(r"(python|nodejs|java|ruby|dotnet|dotnetcore)(\d+)(?:\.(\d+))?.*", runtime)
    if match is None:
        return True
    first, second = int(match[2]), int(match[3] or 0)
    # SDKs that came with these runtimes and later ones call the region's own endpoint.
    return {
        "python": (first, second) < (3, 13), "nodejs": first < 18, "java": first < 21, "ruby": (first, second) < (3, 4),
        "dotnet": first < 8, "dotnetcore": True,
    }[match[1]]  # fmt: skip


def _helm(resource: Resource, view: View) -> Iterator[Fault]:
    repository = view.plain(resource.properties.get("Repository")) or ""
    if repository.startswith(("https://", "http://")) or "public.ecr.aws" in repository:
        handler = view.policies.function(resource.properties.get("ServiceToken"))
        subnets = view.network.subnets(view.items(handler, "VpcConfig.SubnetIds")) if handler is not None else None
        if subnets and not all(view.network.is_open(one) == "yes" for one in subnets):
            yield Fault("Repository", repository, "the handler's subnets have no way to a public repository",
                        error="(helm pull hangs until the limit of 15 minutes)",
                        fix="Keep the chart in ECR or S3, or take the handler out of the VPC.")  # fmt: skip


def look_any(resource: Resource, view: View) -> Iterable[Fault]:
    """What ``look`` finds, and charts that no subnet of their handler reaches."""
    yield from look(resource, view)
    if resource.type == "Custom::AWSCDK-EKS-HelmChart":
        yield from _helm(resource, view)


CHECK = Check(
    id="deploy-services-reachable",
    title="A workload in subnets reaches the services it cannot do without",
    phase="first-use",
    why="Without a default route, a subnet reaches exactly the services for which the VPC has endpoints.",
    fix="Add the missing endpoints to the VPC.",
    error="(time-out)",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints.html",
        "https://github.com/aws-solutions-library-samples/guidance-for-text-generation-using-embeddings-from-enterprise-data-on-aws/issues/3",
        "https://github.com/aws/aws-cdk/issues/12171",
        "https://github.com/aws/aws-cdk/issues/21122",
        "https://github.com/anomalyco/sst/issues/6019",
        "https://github.com/boto/boto3/issues/4333",
        "https://github.com/aws-cloudformation/custom-resource-helper/issues/34",
        "https://github.com/aws/aws-cdk/issues/17265",
        "https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/vpc-access.html",
    ),
    covers=("DF-053", "DF-063", "DF-071", "DF-073", "DF-075", "DF-077", "DF-079"),
    types=(*_ROWS, "Custom::AWSCDK-EKS-HelmChart"),
    look=look_any,
)
