"""The policies of a role are attached before a resource is created that uses the role at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("role_users", "early")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    seen: set[str] = set()
    for row in _ROWS.get(resource.type, ()):
        if "when" in row and not view.given(resource, row["when"]):
            continue
        for path, value in roles_at(resource, row, view):
            yield from _late(resource, path, value, row["error"], seen, view)
    if resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource":
        function = view.policies.function(resource.properties.get("ServiceToken"))
        if function is not None:
            error = (
                "Received response status [FAILED] from custom resource: the handler is not authorized to perform ..."
            )
            yield from _late(resource, "ServiceToken", function.properties.get("Role"), error, seen, view)


def roles_at(resource: Resource, row: dict[str, Any], view: View) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of the roles that a row of the table names."""
    if "role_by" in row:
        value = resource.properties.get(row["role_by"])
        owner = view.policies.function(value) or view.target(value)
        if owner is not None:
            for path, role in view.listed(owner, row["role"]):
                yield f"{row['role_by']}: {owner.logical_id}.{path}", role
    elif row["role"].startswith("*."):
        yield from _anywhere(resource, row["role"][2:])
    else:
        yield from view.listed(resource, row["role"])


def _anywhere(resource: Resource, name: str) -> Iterator[tuple[str, Any]]:
    stack: list[tuple[str, Any]] = list(resource.properties.items())
    while stack:
        path, value = stack.pop()
        if path == name or path.endswith(f".{name}"):
            yield path, value
        elif isinstance(value, dict):
            stack += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}.{place}", inner) for place, inner in enumerate(value)]


def _late(resource: Resource, path: str, value: Any, error: str, seen: set[str], view: View) -> Iterator[Fault]:
    role = view.roles.of(value)
    if role is None:
        return
    for policy in view.roles.separate(role):
        # A policy on what the resource makes can only come after it.
        waits = view.graph.precedes(policy, resource) or view.graph.precedes(resource, policy)
        if not waits and policy.logical_id not in seen:
            seen.add(policy.logical_id)
            yield Fault(
                path,
                value,
                f"{resource.logical_id} uses {role.logical_id} while it is created, and does not wait for "
                f"{policy.logical_id}",
                error=error,
                fix=f"Add DependsOn {policy.logical_id}, or put the policy into the role.",
            )


_CUSTOM = ("AWS::CloudFormation::CustomResource",)
CHECK = Check(
    id="deploy-policy-before-resource",
    title="A resource that uses a role while it is created waits for the role's policies",
    phase="create",
    why="A policy that attaches itself to a role is a resource of its own: CloudFormation creates it whenever it likes.",
    fix="Let the resource depend on the policy, or put the policy into the role.",
    error="the role does not have sufficient permissions",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html",
        "https://github.com/aws/aws-cdk/issues/10064",
        "https://github.com/awslabs/aiops-modules/pull/420",
        "https://github.com/094459/innovateaiml-airflow/issues/1",
    ),
    covers=("DF-021", "DF-035"),
    types=("*",),
    look=look,
)
