"""Whoever mounts a file system may do so under its policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource

_MOUNT = "elasticfilesystem:ClientMount"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type == "AWS::ECS::TaskDefinition":
        yield from _volumes(resource, view)
        return
    for path, value in view.listed(resource, "FileSystemConfigs.*.Arn"):
        target = view.target(value, "AWS::EFS::FileSystem", "AWS::EFS::AccessPoint")
        role = view.roles.of(resource.properties.get("Role"))
        yield from _mount(path, value, _system(target, view), role, view)


def _system(target: Resource | None, view: View) -> Resource | None:
    if target is not None and target.type == "AWS::EFS::AccessPoint":
        return view.target(target.properties.get("FileSystemId"), "AWS::EFS::FileSystem")
    return target


def _volumes(task: Resource, view: View) -> Iterator[Fault]:
    role = view.roles.of(task.properties.get("TaskRoleArn"))
    for path, volume in task.each("Volumes.*.EFSVolumeConfiguration"):
        if not isinstance(volume, dict):
            continue
        system = view.target(volume.get("FilesystemId"), "AWS::EFS::FileSystem")
        if system is None or system.properties.get("FileSystemPolicy") is None:
            continue
        authorization = volume.get("AuthorizationConfig")
        iam = view.plain(authorization.get("IAM")) if isinstance(authorization, dict) else None
        if view.plain(volume.get("TransitEncryption")) != "ENABLED" or iam != "ENABLED":
            yield Fault(
                f"{path}.TransitEncryption",
                volume.get("TransitEncryption"),
                f"the task mounts {system.logical_id} without TLS or without its role, and the policy refuses it",
                fix="Set TransitEncryption and AuthorizationConfig.IAM to ENABLED.",
            )
        yield from _mount(f"{path}.FilesystemId", volume.get("FilesystemId"), system, role, view)


def _mount(path: str, value: object, system: Resource | None, role: Resource | None, view: View) -> Iterator[Fault]:
    policy = system.properties.get("FileSystemPolicy") if system is not None else None
    if system is None or policy is None or role is None:
        return
    here = any(_lets(one, role) for one in statements(system, "FileSystemPolicy"))
    verdict = "yes" if here else view.roles.may(role, _MOUNT, on=system)
    if verdict != "yes":
        yield Fault(
            path,
            value,
            f"neither the policy of {system.logical_id} nor one of {role.logical_id} allows {_MOUNT}",
            undecided=verdict == "unknown",
        )


def _lets(statement: Statement, role: Resource) -> bool:
    if not (statement.allows and statement.covers(_MOUNT)):
        return False
    return statement.for_anyone or any(f"${{{role.logical_id}" in who for who in statement.principals.get("AWS", ()))


CHECK = Check(
    id="deploy-file-system-mountable",
    title="A role that mounts a file system with a policy is allowed ClientMount",
    phase="first-use",
    why="Once a file system has a policy, only those it or their own policies allow may mount it, over TLS.",
    fix="Allow elasticfilesystem:ClientMount to the role, and mount with TLS and IAM.",
    error="mount.nfs4: access denied by server while mounting 127.0.0.1:/",
    sources=(
        "https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html",
        "https://github.com/aws/aws-cdk/issues/33669",
        "https://github.com/aws/aws-cdk/issues/36224",
    ),
    covers=("DF-085",),
    types=("AWS::ECS::TaskDefinition", "AWS::Lambda::Function"),
    look=look,
)
