"""IAM: roles, policies and instance profiles; stored and readable, not enforced."""

from __future__ import annotations

import json
from typing import Any

from labkit.rehearsal.stacks.faults import ResourceFailed
from labkit.rehearsal.types.row import Made, Row, Scene

NOT_ENFORCED = "stored and attached; rights are not enforced"


def _create_role(scene: Scene) -> Made:
    name = scene.name("RoleName", longest=64)
    given = scene.take(
        "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "PermissionsBoundary", "Tags"
    )
    role = scene.call("iam", "CreateRole", {"RoleName": name, **given})["Role"]
    scene.physical_id = name
    read = scene.call("iam", "GetRole", {"RoleName": name})["Role"]
    read["PermissionsBoundary"] = read.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    scene.kept(given, read, but=("Tags",))
    _attach(scene, name)
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _attach(scene: Scene, name: str) -> None:
    given = scene.take("ManagedPolicyArns", "Policies")
    wanted, before = set(given.get("ManagedPolicyArns", [])), set(scene.old.get("ManagedPolicyArns", []))
    for arn in sorted(before - wanted):
        scene.call("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for arn in sorted(wanted - before):
        scene.call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in given.get("Policies", [])}
    for policy in scene.old.get("Policies", []):
        if policy["PolicyName"] not in inline:
            scene.call("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy["PolicyName"]})
    for policy_name, document in inline.items():
        scene.call("iam", "PutRolePolicy", {"RoleName": name, "PolicyName": policy_name, "PolicyDocument": document})


def _update_role(scene: Scene) -> Made:
    name = scene.physical_id
    scene.take("RoleName", "Path")
    given = scene.take("AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "PermissionsBoundary")
    if scene.changed("AssumeRolePolicyDocument"):
        scene.call(
            "iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": given["AssumeRolePolicyDocument"]}
        )
    if scene.changed("Description", "MaxSessionDuration"):
        scene.call(
            "iam",
            "UpdateRole",
            {
                "RoleName": name,
                "Description": given.get("Description", ""),
                "MaxSessionDuration": given.get("MaxSessionDuration", 3600),
            },
        )
    if scene.changed("PermissionsBoundary"):
        if "PermissionsBoundary" in given:
            scene.call(
                "iam",
                "PutRolePermissionsBoundary",
                {"RoleName": name, "PermissionsBoundary": given["PermissionsBoundary"]},
            )
        else:
            scene.call("iam", "DeleteRolePermissionsBoundary", {"RoleName": name})
    scene.retag("iam", {"RoleName": name}, untag="UntagRole", tag="TagRole")
    _attach(scene, name)
    return Made(name, scene.attributes)


def _delete_role(scene: Scene) -> None:
    name = scene.physical_id
    # CloudFormation removes only what the role's own declaration holds; a policy of somebody else blocks deletion.
    for policy in scene.properties.get("Policies", []):
        scene.call("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy["PolicyName"]})
    for arn in scene.properties.get("ManagedPolicyArns", []):
        scene.call("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    scene.call("iam", "DeleteRole", {"RoleName": name})


PRINCIPALS = (("Roles", "Role"), ("Users", "User"), ("Groups", "Group"))


def _sync(scene: Scene, attach: str, detach: str, parameters: dict[str, Any], given: dict[str, Any]) -> None:
    for many, one in PRINCIPALS:
        wanted, before = set(given.get(many, [])), set(scene.old.get(many, []))
        for name in sorted(before - wanted):
            scene.call(
                "iam",
                detach.format(one),
                {f"{one}Name": name, **{key: item for key, item in parameters.items() if key != "PolicyDocument"}},
            )
        for name in sorted(wanted if "PolicyDocument" in parameters else wanted - before):
            scene.call("iam", attach.format(one), {f"{one}Name": name, **parameters})


def _create_managed(scene: Scene) -> Made:
    name = scene.name("ManagedPolicyName", longest=128)
    given = scene.take("Description", "Path", "PolicyDocument", "Roles", "Users", "Groups")
    _check_size(given["PolicyDocument"], 6144)
    policy = scene.call(
        "iam",
        "CreatePolicy",
        {"PolicyName": name, **{key: given[key] for key in ("Description", "Path", "PolicyDocument") if key in given}},
    )["Policy"]
    scene.physical_id = policy["Arn"]
    _sync(scene, "Attach{}Policy", "Detach{}Policy", {"PolicyArn": policy["Arn"]}, given)
    return Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"], "DefaultVersionId": "v1"})


def _update_managed(scene: Scene) -> Made:
    arn = scene.physical_id
    given = scene.rest()
    if scene.changed("PolicyDocument"):
        _check_size(given["PolicyDocument"], 6144)
        versions = scene.call("iam", "ListPolicyVersions", {"PolicyArn": arn})["Versions"]
        # IAM keeps five versions; CloudFormation removes the oldest.
        old = sorted(
            (version for version in versions if not version["IsDefaultVersion"]),
            key=lambda version: version["CreateDate"],
        )
        if len(versions) >= 5:
            scene.call("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": old[0]["VersionId"]})
        scene.call(
            "iam",
            "CreatePolicyVersion",
            {"PolicyArn": arn, "PolicyDocument": given["PolicyDocument"], "SetAsDefault": True},
        )
    _sync(scene, "Attach{}Policy", "Detach{}Policy", {"PolicyArn": arn}, given)
    return Made(arn, scene.attributes)


def _delete_managed(scene: Scene) -> None:
    arn = scene.physical_id
    for many, one in PRINCIPALS:
        for name in scene.properties.get(many, []):
            scene.call("iam", f"Detach{one}Policy", {f"{one}Name": name, "PolicyArn": arn})
    for version in scene.call("iam", "ListPolicyVersions", {"PolicyArn": arn})["Versions"]:
        if not version["IsDefaultVersion"]:
            scene.call("iam", "DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version["VersionId"]})
    scene.call("iam", "DeletePolicy", {"PolicyArn": arn})


def _put_inline(scene: Scene) -> Made:
    given = scene.rest()
    name, before = given["PolicyName"], scene.old.get("PolicyName")
    if before and before != name:
        _delete_inline(scene, scene.old)
    if not any(given.get(many) for many, _ in PRINCIPALS):
        raise ResourceFailed("At least one of [Groups,Roles,Users] must be non-empty.")
    _sync(
        scene, "Put{}Policy", "Delete{}Policy", {"PolicyName": name, "PolicyDocument": given["PolicyDocument"]}, given
    )
    return Made(scene.physical_id or scene.generated(longest=64), scene.attributes)


def _delete_inline(scene: Scene, properties: dict[str, Any] | None = None) -> None:
    given = properties or scene.properties
    for many, one in PRINCIPALS:
        for name in given.get(many, []):
            scene.call("iam", f"Delete{one}Policy", {f"{one}Name": name, "PolicyName": given["PolicyName"]})


def _create_profile(scene: Scene) -> Made:
    name = scene.name("InstanceProfileName", longest=128)
    given = scene.take("Path", "Roles")
    profile = scene.call(
        "iam", "CreateInstanceProfile", {"InstanceProfileName": name, **{k: v for k, v in given.items() if k == "Path"}}
    )
    scene.physical_id = name
    for role in given["Roles"]:
        scene.call("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": name, "RoleName": role})
    return Made(name, {"Arn": profile["InstanceProfile"]["Arn"]})


def _update_profile(scene: Scene) -> Made:
    given = scene.rest()
    for role in scene.old.get("Roles", []):
        scene.call("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": scene.physical_id, "RoleName": role})
    for role in given["Roles"]:
        scene.call("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": scene.physical_id, "RoleName": role})
    return Made(scene.physical_id, scene.attributes)


def _delete_profile(scene: Scene) -> None:
    for role in scene.properties.get("Roles", []):
        scene.call("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": scene.physical_id, "RoleName": role})
    scene.call("iam", "DeleteInstanceProfile", {"InstanceProfileName": scene.physical_id})


def _check_size(document: Any, most: int) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space does not count.
    size = len("".join(json.dumps(document).split()))
    if size > most:
        raise ResourceFailed(f"Cannot exceed quota for PolicySize: {most} (the document has {size} characters)")


ROWS = [
    Row(
        type="AWS::IAM::Role",
        label="recorded",
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
        notes=(NOT_ENFORCED,),
    ),
    Row(
        type="AWS::IAM::ManagedPolicy",
        label="recorded",
        create=_create_managed,
        update=_update_managed,
        delete=_delete_managed,
        notes=(NOT_ENFORCED,),
    ),
    Row(
        type="AWS::IAM::Policy",
        label="recorded",
        create=_put_inline,
        update=_put_inline,
        delete=_delete_inline,
        notes=(NOT_ENFORCED,),
    ),
    Row(
        type="AWS::IAM::InstanceProfile",
        label="recorded",
        create=_create_profile,
        update=_update_profile,
        delete=_delete_profile,
    ),
]
