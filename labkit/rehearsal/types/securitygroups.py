"""Security groups and their rules, each rule with an identifier of its own."""

from __future__ import annotations

from typing import Any

from labkit.rehearsal.types.ec2common import refuse_if_used, tag
from labkit.rehearsal.types.row import Made, Row, Scene

STORED = "stored; no packet is filtered"
ALL_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _permission(rule: dict[str, Any]) -> dict[str, Any]:
    """One rule of a template as the API's permission."""
    made: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for port in ("FromPort", "ToPort"):
        if port in rule:
            made[port] = rule[port]
    told = {"Description": rule["Description"]} if "Description" in rule else {}
    peer = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    prefixes = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **told}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **told}]
    if peer:
        owner = rule.get("SourceSecurityGroupOwnerId")
        made["UserIdGroupPairs"] = [{"GroupId": peer, **told, **({"UserId": owner} if owner else {})}]
    if prefixes:
        made["PrefixListIds"] = [{"PrefixListId": prefixes, **told}]
    return made


def _add(scene: Scene, group: str, direction: str, rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        scene.call(
            "ec2", f"AuthorizeSecurityGroup{direction}", {"GroupId": group, "IpPermissions": [_permission(rule)]}
        )


def _remove(scene: Scene, group: str, direction: str, rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        scene.call("ec2", f"RevokeSecurityGroup{direction}", {"GroupId": group, "IpPermissions": [_permission(rule)]})


def _create(scene: Scene) -> Made:
    name = scene.name("GroupName")
    given = scene.take("GroupDescription", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress")
    group = scene.call(
        "ec2",
        "CreateSecurityGroup",
        {
            "GroupName": name,
            "Description": given["GroupDescription"],
            **{key: given[key] for key in ("VpcId",) if key in given},
        },
    )["GroupId"]
    scene.physical_id = group
    _add(scene, group, "Ingress", given.get("SecurityGroupIngress", []))
    if "SecurityGroupEgress" in given:
        # CloudFormation removes the rule that allows everything as soon as the template has one of its own.
        scene.call("ec2", "RevokeSecurityGroupEgress", {"GroupId": group, "IpPermissions": [ALL_OUT]})
        _add(scene, group, "Egress", given["SecurityGroupEgress"])
    tag(scene)
    return Made(group, {"GroupId": group, "Id": group, "VpcId": given.get("VpcId", "")})


def _update(scene: Scene) -> Made:
    scene.take("GroupName", "GroupDescription", "VpcId")
    for name, direction in (("SecurityGroupIngress", "Ingress"), ("SecurityGroupEgress", "Egress")):
        wanted, before = scene.take(name).get(name, []), scene.old.get(name, [])
        _remove(scene, scene.physical_id, direction, [rule for rule in before if rule not in wanted])
        _add(scene, scene.physical_id, direction, [rule for rule in wanted if rule not in before])
    tag(scene)
    return Made(scene.physical_id, scene.attributes)


def _delete(scene: Scene) -> None:
    refuse_if_used(scene, "group", scene.physical_id)
    scene.call("ec2", "DeleteSecurityGroup", {"GroupId": scene.physical_id})


def _rule(direction: str) -> Row:
    def create(scene: Scene) -> Made:
        given = scene.rest()
        answer = scene.call(
            "ec2",
            f"AuthorizeSecurityGroup{direction}",
            {"GroupId": given["GroupId"], "IpPermissions": [_permission(given)]},
        )
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return Made(rule, {"Id": rule})

    def update(scene: Scene) -> Made:
        given = scene.rest()
        scene.call(
            "ec2",
            f"UpdateSecurityGroupRuleDescriptions{direction}",
            {"GroupId": given["GroupId"], "IpPermissions": [_permission(given)]},
        )
        return Made(scene.physical_id, scene.attributes)

    def delete(scene: Scene) -> None:
        _remove(scene, scene.properties["GroupId"], direction, [scene.properties])

    return Row(
        type=f"AWS::EC2::SecurityGroup{direction}",
        label="recorded",
        create=create,
        update=update,
        delete=delete,
        notes=(STORED,),
    )


ROWS = [
    Row(
        type="AWS::EC2::SecurityGroup",
        label="recorded",
        create=_create,
        update=_update,
        delete=_delete,
        notes=(STORED,),
    ),
    _rule("Ingress"),
    _rule("Egress"),
]
