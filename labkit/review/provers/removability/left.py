"""What services and workloads make beside the stack, and nothing removes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.costs import priced
from labkit.review.provers.removability.kept import stays
from labkit.review.provers.removability.rules import COMPLETELY
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, is_on, references

_LOGS = ["CloudWatch Logs", "Storage"]


@cache
def table() -> dict[str, Any]:
    """The table of what services leave behind."""
    return tomllib.loads((Path(__file__).parent / "leaves.toml").read_text(encoding="utf-8"))


def left(view: View) -> Iterator[Finding]:
    """Yield a row for each resource that makes something, and for each role that may."""
    for row in table()["logs"]:
        for resource in view.of(row["type"]):
            if "when" not in row or _stated(resource, row["when"]):
                yield _logs(resource, row, view)
    for row in table()["made"]:
        for resource in view.of(row["type"]):
            yield from _made(resource, row, view)
    yield from _by_roles(view)
    yield from _deployed(view)
    yield from _linked_roles(view)


def _stated(resource: Resource, path: str) -> bool:
    return any(value not in (None, "OFF", False) for _, value in resource.each(path))


def _logs(resource: Resource, row: dict[str, Any], view: View) -> Finding:
    own = resource.one(row["property"]) if "property" in row else None
    name = view.literal_name(resource)
    if own is not None:
        group = view.target(own, "AWS::Logs::LogGroup")
        if group is not None:
            return Finding(COMPLETELY, resource.logical_id, "pass", f"it writes to {group.logical_id} of the stack")
        said = f"whether {view.text(own)} goes with something is not known: it is not in the template"
        return Finding(COMPLETELY, resource.logical_id, "unknown", said, level="warning")
    beginning = row["group"].partition("{name}")[0]
    for group, given in _groups(view):
        mine = resource.logical_id in references(group.properties.get("LogGroupName"))
        if given.startswith(beginning) and ("{name}" not in row["group"] or mine or (name and name in given)):
            return Finding(COMPLETELY, resource.logical_id, "pass", f"it writes to {group.logical_id} of the stack")
    shown = row["group"].replace("{name}", name or "<name>")
    said = (
        f"the service makes the log group {shown} for {resource.logical_id}; it stays, never expires, is not encrypted "
        f"with the stack's key and {priced(_LOGS)}. Let the stack own the group"
    )
    return Finding(COMPLETELY, resource.logical_id, "open", said)


def _groups(view: View) -> list[tuple[Resource, str]]:
    """The log groups of the stack with their names."""
    found: list[tuple[Resource, str]] = view.once(
        "names of log groups",
        lambda: [
            (group, view.text(group.properties.get("LogGroupName")) or "") for group in view.of("AWS::Logs::LogGroup")
        ],
    )
    return found


def _made(resource: Resource, row: dict[str, Any], view: View) -> Iterator[Finding]:
    if stays(resource) or ("when" in row and resource.one(row["when"]) is None):
        return
    if "when_false" in row:
        value = resource.one(row["when_false"])
        if value is None or is_on(value):
            return
    found = [one.logical_id for one in hooks.on(view, resource)] if row.get("hook") else []
    if found:
        yield Finding(COMPLETELY, resource.logical_id, "pass", f"{found[0]} removes {row['made']}")
        return
    said = f"{resource.logical_id} leaves {row['made']}, which {priced(row['price']) if 'price' in row else 'is billed by what is stored'}"
    yield Finding(COMPLETELY, resource.logical_id, "open", f"{said}: {row['fix']}")


def _by_roles(view: View) -> Iterator[Finding]:
    """What the code of a role may make at run time."""
    removed = hooks.hooks(view)
    for role in view.of("AWS::IAM::Role"):
        if "cloudformation.amazonaws.com" in str(role.properties.get("AssumeRolePolicyDocument")):
            continue  # what CloudFormation makes with it belongs to a stack
        for row in table()["job"]:
            if view.roles.may(role, row["action"]) == "yes":
                yield _job(role, row, view)
        for row in table()["action"]:
            if view.roles.may(role, row["action"]) == "yes":
                yield _action(role, row, view, removed)


def _job(role: Resource, row: dict[str, Any], view: View) -> Finding:
    for group, name in _groups(view):
        if name == row["group"]:
            return Finding(COMPLETELY, role.logical_id, "pass", f"jobs log to {group.logical_id} of the stack")
    said = (
        f"{role.logical_id} may start jobs ({row['action']}), for which SageMaker makes the log group {row['group']}, "
        f"shared by all jobs of the account; it stays and {priced(_LOGS)}"
    )
    return Finding(
        COMPLETELY, role.logical_id, "open", f"{said}. Expire it in the account, or accept it", level="warning"
    )


def _action(role: Resource, row: dict[str, Any], view: View, removed: list[Resource]) -> Finding:
    inside = view.of(row["inside"]) if "inside" in row else []
    hook = next((one.logical_id for group in inside for one in hooks.on(view, group)), "")
    if hook or (inside and row["inside"] == "AWS::Glue::Database"):
        by = hook or inside[0].logical_id
        return Finding(COMPLETELY, role.logical_id, "pass", f"what {row['action']} makes goes with {by}")
    owners = _owners(role, row["action"], removed, view)
    if owners:
        return Finding(COMPLETELY, role.logical_id, "pass", f"what {row['action']} makes goes with {', '.join(owners)}")
    said = f"{role.logical_id} may make {row['made']} ({row['action']}), which no stack removes"
    said += "" if row.get("hourly") else " and which is billed by what is stored"
    said += ". Take the action away, or remove it on deletion"
    return Finding(COMPLETELY, role.logical_id, "open", said, level="warning")


def _owners(role: Resource, action: str, removed: list[Resource], view: View) -> list[str]:
    """What removes everything that a role may make with an action; none unless each of it is removed."""
    found: dict[str, None] = {}
    for held in view.roles.held(role):
        for statement in held.statements:
            if not statement.allows or not statement.covers(action):
                continue
            for resource in statement.resources:
                owner = _owner(resource, removed, view)
                if owner is None:
                    return []
                found[owner] = None
    return list(found)


def _owner(resource: str, removed: list[Resource], view: View) -> str | None:
    """What removes a thing that a policy names: a log group of the stack, or the custom resource for a stack or bucket."""
    for group in view.of("AWS::Logs::LogGroup") if resource.startswith("${") else ():
        if resource.startswith((f"${{{group.logical_id}.", f"${{{group.logical_id}}}")):
            return group.logical_id
    if ":log-group:" in resource:
        asked = resource.partition(":log-group:")[2].removesuffix(":*").removesuffix(":log-stream:*")
        for group, name in _groups(view):
            if _alike(asked, name) or f"${{{group.logical_id}" in resource:
                return group.logical_id
        shared = {row["group"] for row in table()["job"]}
        return "the jobs of SageMaker, see there" if asked in shared else None
    if ":stack/" in resource:
        asked = resource.partition(":stack/")[2].partition("/")[0]
        for hook in removed:
            if asked in {view.text(value) for key, value in hook.properties.items() if key != "ServiceToken"}:
                return hook.logical_id
    return None


def _alike(asked: str, name: str) -> bool:
    """Tell whether a name may be one that a policy means, by what is written of both before the first unknown part."""
    mine, theirs = (re.split(r"\$\{|\*", text)[0] for text in (asked, name))
    shorter = min(len(mine), len(theirs))
    return (
        shorter > len("/aws/")
        and mine[:shorter] == theirs[:shorter]
        and (asked == name or "*" in asked or "${" in asked + name)
    )


def _deployed(view: View) -> Iterator[Finding]:
    """Stacks that a pipeline deploys."""
    for pipeline in view.of("AWS::CodePipeline::Pipeline"):
        for _, action in pipeline.each("Stages.*.Actions.*"):
            if not isinstance(action, dict):
                continue
            kind, settings = _object(action.get("ActionTypeId")), _object(action.get("Configuration"))
            if kind.get("Provider") != "CloudFormation" or settings.get("ActionMode") == "DELETE_ONLY":
                continue
            name = view.text(settings.get("StackName")) or "?"
            found = [one.logical_id for one in hooks.naming(view, name)]
            if found:
                yield Finding(COMPLETELY, pipeline.logical_id, "pass", f"{found[0]} deletes the stack {name}")
            else:
                said = f"{pipeline.logical_id} deploys the stack {name}, which stays with everything in it and goes on costing"
                yield Finding(
                    COMPLETELY,
                    pipeline.logical_id,
                    "open",
                    f"{said}: delete it from a custom resource before its role goes",
                )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# Service-linked roles are made with the first resource of a kind, belong to the account and cost nothing.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
_LINKED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("RoleARN", "Application Auto Scaling"),
    "AWS::OpenSearchService::Domain": ("", "OpenSearch"),
    "AWS::ECS::Cluster": ("", "ECS"),
    "AWS::EKS::Cluster": ("", "EKS"),
    "AWS::Batch::ComputeEnvironment": ("ServiceRole", "Batch"),
    "AWS::MWAA::Environment": ("", "MWAA"),
    "AWS::AutoScaling::AutoScalingGroup": ("ServiceLinkedRoleARN", "Auto Scaling"),
}


def _linked_roles(view: View) -> Iterator[Finding]:
    for type_, (named, service) in _LINKED.items():
        for resource in view.of(type_):
            if not named or not as_list(resource.properties.get(named)):
                said = f"{service} keeps its service-linked role for the account; it costs nothing"
                yield Finding(COMPLETELY, resource.logical_id, "pass", said)
