"""An update changes no more of a resource at once than its service takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.checks.update_keeps_named import same
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, each

# Types of which a service changes one part per update, and what counts as one part.
_ONE_PART = {
    "AWS::MSK::Cluster": (
        ("BrokerNodeGroupInfo.InstanceType", "BrokerNodeGroupInfo.StorageInfo", "BrokerNodeGroupInfo.ConnectivityInfo",
         "NumberOfBrokerNodes", "KafkaVersion", "ConfigurationInfo", "ClientAuthentication|EncryptionInfo",
         "EnhancedMonitoring|OpenMonitoring|LoggingInfo", "StorageMode"),
        "You can't update multiple attributes of the cluster in same request. Use a different request for each update.",
    ),
    "AWS::EKS::Cluster": (
        ("Version", "ResourcesVpcConfig", "Logging", "AccessConfig", "UpgradePolicy", "EncryptionConfig"),
        "Only one type of update can be allowed. (InvalidParameterException)",
    ),
    "AWS::EKS::Nodegroup": (
        ("Version|ReleaseVersion|LaunchTemplate", "ScalingConfig|Labels|Taints|UpdateConfig"),
        "Nodegroup cannot be updated as it is currently not in Active State (InvalidParameterException)",
    ),
    "AWS::Kinesis::Stream": (
        ("ShardCount", "StreamModeDetails"),
        "ShardCount cannot be updated while the stream mode changes (ValidationException)",
    ),
}  # fmt: skip


def compare(old: View, new: View) -> Iterable[tuple[str, Fault]]:
    for name, resource in new.template.resources.items():
        before = old.template.resources.get(name)
        if before is None or before.type != resource.type:
            continue
        if resource.type in _ONE_PART:
            yield from ((name, fault) for fault in _parts(before, resource))
        if resource.type in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
            yield from ((name, fault) for fault in _indexes(before, resource))


def _parts(before: Resource, resource: Resource) -> Iterator[Fault]:
    parts, error = _ONE_PART[resource.type]
    changed = [
        part for part in parts if any(not same(_at(before, path), _at(resource, path)) for path in part.split("|"))
    ]
    if len(changed) > 1:
        yield Fault(changed[0], None, f"{' and '.join(changed)} change in one update", error=error,
                    fix="Change one part per deployment.")  # fmt: skip


def _at(resource: Resource, path: str) -> Any:
    return [value for _, value in each(resource.properties, path)]


def _indexes(before: Resource, resource: Resource) -> Iterator[Fault]:
    old, new = _by_name(before), _by_name(resource)
    steps = [f"- {name}" for name in old if name not in new] + [f"+ {name}" for name in new if name not in old]
    for name in old:
        if name in new and not same([old[name].get(key) for key in _FIXED], [new[name].get(key) for key in _FIXED]):
            steps += [f"- {name}", f"+ {name}"]
    if len(steps) > 1:
        yield Fault(
            "GlobalSecondaryIndexes",
            ", ".join(steps),
            f"the update makes or removes {len(steps)} indexes, DynamoDB takes one",
            error="Cannot perform more than one GSI creation or deletion in a single update",
            fix="Make or remove one index per deployment.",
        )


_FIXED = ("KeySchema", "Projection")


def _by_name(table: Resource) -> dict[str, dict[str, Any]]:
    found = as_list(table.properties.get("GlobalSecondaryIndexes"))
    return {str(one.get("IndexName")): one for one in found if isinstance(one, dict)}


CHECK = Check(
    id="deploy-update-one-step",
    title="An update changes no more of a resource at once than its service takes",
    phase="update",
    why="Some services take one change per request, and CloudFormation sends all changes of a resource in one.",
    fix="Spread the changes over several deployments.",
    error="(the service refuses more than one change at once)",
    sources=(
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html",
        "https://github.com/aws/aws-cdk/issues/14920",
        "https://github.com/aws/aws-cdk/issues/12246",
        "https://github.com/aws/aws-cdk/issues/16765",
    ),
    covers=("DF-093", "DF-133"),
    types=("*",),
    compare=compare,
)
