"""A security group lets its own members talk to each other where the service makes them do so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ALL = (0, 443, 32768, 65535)
# Type: where the groups are named, the ports between members, what AWS says.
_NEEDS = {
    "AWS::FSx::FileSystem": ("SecurityGroupIds", (988, 1018, 1023),
        "The file system cannot be created because the default security group in the subnet provided or the provided "
        "security groups do not permit Lustre LNET network traffic on port 988"),
    "AWS::Glue::Connection": ("ConnectionInput.PhysicalConnectionRequirements.SecurityGroupIdList", _ALL,
        "At least one security group must open all ingress ports. To limit traffic, the source security group in your "
        "inbound rule can be restricted to the same security group (InvalidInputException)"),
    "AWS::MWAA::Environment": ("NetworkConfiguration.SecurityGroupIds", (443, 5432),
        "(the environment is in CREATE_FAILED: its scheduler cannot reach its own database)"),
    "AWS::SageMaker::Domain": ("DefaultUserSettings.SecurityGroups", (8192, 65535),
        "(JupyterServer cannot connect to kernel gateways: the group must let its own members in on 8192-65535)"),
}  # fmt: skip


def look(resource: Resource, view: View) -> Iterable[Fault]:
    path, ports, error = _NEEDS[resource.type]
    if resource.type == "AWS::FSx::FileSystem":
        if view.plain(resource.properties.get("FileSystemType")) != "LUSTRE":
            return
        if not view.items(resource, path):
            yield Fault(
                path,
                None,
                "without a group the subnet's default one counts, which may not open port 988",
                undecided=True,
            )
            return
    if (
        resource.type == "AWS::SageMaker::Domain"
        and view.plain(resource.properties.get("AppNetworkAccessType")) != "VpcOnly"
    ):
        return
    values = view.items(resource, path)
    groups = view.groups.of(values)
    if groups is None:
        yield Fault(
            path, values, "a group is not in the template, so its rules are not known", error=error, undecided=True
        )
    elif groups and ports:
        yield from _ports(path, groups, ports, error, view)


def _ports(path: str, groups: list[Resource], ports: tuple[int, ...], error: str, view: View) -> Iterator[Fault]:
    names: Any = ", ".join(one.logical_id for one in groups)
    for egress, way in ((False, "ingress"), (True, "egress")):
        closed = [
            port
            for port in ports
            if not any(view.groups.opens(one, port=port, source=one, egress=egress) for one in groups)
        ]
        if closed:
            yield Fault(
                path,
                names,
                f"{names} has no {way} rule for its own members on port {', '.join(map(str, closed))}",
                error=error,
                fix=f"Add {way} tcp {_range(ports)} with {names} itself as the other side.",
            )


def _range(ports: tuple[int, ...]) -> str:
    return (
        "0-65535"
        if ports == _ALL
        else "988 and 1018-1023"
        if ports[0] == 988
        else "-".join(map(str, (ports[0], ports[-1])))
    )


CHECK = Check(
    id="deploy-group-lets-itself",
    title="A security group lets its own members talk where the service makes them",
    phase="create",
    why="Workers and servers of one service talk to each other through interfaces in the same group.",
    fix="Add rules in and out with the group itself as the other side.",
    error="(members of the service cannot reach each other)",
    sources=(
        "https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html",
        "https://docs.aws.amazon.com/glue/latest/dg/setup-vpc-for-glue-access.html",
        "https://github.com/kubernetes-sigs/aws-fsx-csi-driver/issues/32",
        "https://bugcrowd.engineering/blogs/glue-and-network-connections",
    ),
    covers=("DF-083", "DF-087"),
    types=tuple(_NEEDS),
    look=look,
)
