"""A log group is there before its writer and goes after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

# Services that make the log group on the first write: the group's name, and the type whose name it ends in.
_WRITERS = (
    (r"/aws/lambda/(?P<name>[^/]+)", "AWS::Lambda::Function"),
    (r"/aws/codebuild/(?P<name>[^/]+)", "AWS::CodeBuild::Project"),
    (r"/aws/sagemaker/Endpoints/(?P<name>[^/]+)", "AWS::SageMaker::Endpoint"),
    (r"/aws/sagemaker/NotebookInstances/?(?P<name>[^/]*)", "AWS::SageMaker::NotebookInstance"),
    (r"/aws/eks/(?P<name>[^/]+)/cluster", "AWS::EKS::Cluster"),
    (r"/aws/rds/(?:instance|cluster)/(?P<name>[^/]+)/.+", "AWS::RDS::DBInstance"),
    (r"/aws/kinesisfirehose/(?P<name>[^/]+)", "AWS::KinesisFirehose::DeliveryStream"),
    (r"API-Gateway-Execution-Logs_(?P<name>[^/]+)/.+", "AWS::ApiGateway::Stage"),
)
_COLLIDES = (
    "Resource of type 'AWS::Logs::LogGroup' with identifier '{{\"/properties/LogGroupName\":\"{}\"}}' already exists."
)


def look(resource: Resource, view: View) -> Iterable[Fault]:
    given = view.text(resource.properties.get("LogGroupName"))
    if given is None:
        return
    if resource.whole.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate"):
        what = "deletion keeps the group, so that the next deployment finds its name taken"
        if "${" not in given:
            yield Fault("LogGroupName", given, what, error=_COLLIDES.format(given))
            return
    for form, type_ in _WRITERS:
        match = re.fullmatch(form, given)
        if match is not None:
            yield from _written(resource, given, match["name"], type_, view)


def _written(group: Resource, given: str, name: str, type_: str, view: View) -> Iterator[Fault]:
    named = references(group.properties.get("LogGroupName")) & set(view.template.resources)
    writers = [view.template.resources[one] for one in sorted(named) if view.template.resources[one].type == type_]
    writers += [one for one in view.by_name.get(name, ()) if one.type == type_ and one not in writers]
    for writer in writers:
        if view.graph.precedes(group, writer):
            continue
        late = view.graph.precedes(writer, group)
        yield Fault(
            "LogGroupName",
            given,
            f"{writer.logical_id} is created before the group and may write the group first"
            if late
            else f"{writer.logical_id} is not removed before the group: a last event makes the group anew, unencrypted "
            "and never expiring, and the next deployment finds its name taken",
            error=_COLLIDES.format(given),
            fix=f"Let {writer.logical_id} refer to the group (LoggingConfig.LogGroup) or depend on it."
            if type_ == "AWS::Lambda::Function"
            else f"Give {writer.logical_id} its name, and let it depend on the group.",
        )


CHECK = Check(
    id="deploy-log-group-owned",
    title="A log group is there before its writer and goes after it",
    phase="create",
    why="A service that finds no log group makes one of its own, which the stack does not know of.",
    fix="Let the writer depend on the group.",
    error="Resource handler returned message: Resource of type 'AWS::Logs::LogGroup' already exists.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
        "https://github.com/aws/aws-cdk/issues/32689",
        "https://github.com/aws/aws-cdk/issues/13652",
        "https://github.com/gchq/sleeper/issues/3480",
    ),
    covers=("DF-115",),
    types=("AWS::Logs::LogGroup",),
    look=look,
)
