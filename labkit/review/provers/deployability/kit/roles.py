"""What a role may do, and from when on: the policies attached to it and the moment each is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.tables import table
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

# ``late``: only a policy that may be attached afterwards allows it.
Verdict = Literal["yes", "late", "no", "unknown"]
_ATTACHED = {
    "AWS::IAM::Policy": "Roles.*",
    "AWS::IAM::ManagedPolicy": "Roles.*",
    "AWS::IAM::RolePolicy": "RoleName",
}


@dataclass(frozen=True)
class Held:
    """Statements that a role holds, and the resource that carries them."""

    carrier: Resource
    statements: tuple[Statement, ...]


class Roles:
    """The roles of a template."""

    def __init__(self, view: View) -> None:
        self._view = view

    def of(self, value: Any) -> Resource | None:
        """Return the role that a value names, directly or by an instance profile."""
        found = self._view.target(value, "AWS::IAM::Role")
        if found is not None:
            return found
        profile = self._view.target(value, "AWS::IAM::InstanceProfile")
        return None if profile is None else self._view.target(profile.one("Roles.*"), "AWS::IAM::Role")

    @cached_property
    def _held(self) -> dict[str, list[Held]]:
        found: dict[str, list[Held]] = {}
        for type_, subject in _ATTACHED.items():
            for policy in self._view.of(type_):
                held = Held(policy, tuple(statements(policy, "PolicyDocument")))
                for _, value in policy.each(subject):
                    role = self._view.target(value, "AWS::IAM::Role")
                    if role is not None:
                        found.setdefault(role.logical_id, []).append(held)
        for role in self._view.of("AWS::IAM::Role"):
            found.setdefault(role.logical_id, []).append(
                Held(role, tuple(statements(role, "Policies.*.PolicyDocument")))
            )
            for _, value in role.each("ManagedPolicyArns.*"):
                managed = self._view.target(value, "AWS::IAM::ManagedPolicy")
                if managed is not None:
                    found[role.logical_id].append(Held(managed, tuple(statements(managed, "PolicyDocument"))))
        return found

    def held(self, role: Resource) -> list[Held]:
        """Return what a role's policies in the template say."""
        return self._held.get(role.logical_id, [])

    def separate(self, role: Resource) -> list[Resource]:
        """Return the policies that attach themselves to a role, so that the role may exist without them."""
        return [
            held.carrier
            for held in self.held(role)
            if held.carrier is not role and not self._view.graph.precedes(held.carrier, role)
        ]

    def outside(self, role: Resource) -> list[str]:
        """Return the names of attached policies whose text is not in the template."""
        return [
            text.name_of(name)
            for _, value in role.each("ManagedPolicyArns.*")
            if self._view.target(value, "AWS::IAM::ManagedPolicy") is None
            for name in self._view.texts(value)
        ]

    def may(
        self, role: Resource | None, action: str, *, on: Resource | None = None, at: Resource | None = None
    ) -> Verdict:
        """Tell whether a role may do something.

        Args:
            role: ``None`` when it is not in the template.
            action: such as ``sqs:SendMessage``.
            on: the resource that is acted on; default: any.
            at: the resource whose creation needs the permission; default: at any time.
        """
        if role is None:
            return "unknown"
        if not self._within_boundary(role, action):
            return "no"
        late = False
        for held in self.held(role):
            for statement in held.statements:
                if statement.allows and statement.covers(action) and self.names(statement, on):
                    if at is None or held.carrier is role or self._view.graph.precedes(held.carrier, at):
                        return "yes"
                    late = True
        return self._outside(role, action) or ("late" if late else "no")

    def lacks(
        self, role: Resource | None, actions: Iterable[str], *, on: Resource | None = None, at: Resource | None = None
    ) -> dict[str, Verdict]:
        """Return what a role may not do, or not yet."""
        found = {action: self.may(role, action, on=on, at=at) for action in actions}
        return {action: verdict for action, verdict in found.items() if verdict != "yes"}

    def names(self, statement: Statement, on: Resource | None) -> bool:
        """Tell whether a statement's resources may include one."""
        if on is None:
            return True
        if statement.other_resources:
            return not any(self._is(one, on) for one in statement.other_resources if one != "*")
        return any(self._is(one, on) for one in statement.resources)

    def _is(self, pattern: str, on: Resource) -> bool:
        if pattern == "*":
            return True
        ours = [name for token in text.tokens(pattern) if (name := token.partition(".")[0]) in self._resources]
        if ours:
            # A policy may name a bucket by a part of its name, or a resource by one it is made of.
            return on.logical_id in ours or any(name in self._parts(on) for name in ours)
        literal = self._view.literal_name(on)
        glob = text.as_glob(text.known(pattern, region=self._view.region, partition=self._view.partition))
        return text.overlap(glob, f"*{literal}*") if literal else "*" in glob

    def _parts(self, on: Resource) -> set[str]:
        name = self._view.name_property(on)
        return references(on.properties.get(name)) if name else set()

    @cached_property
    def _resources(self) -> dict[str, Resource]:
        return self._view.template.resources

    def _outside(self, role: Resource, action: str) -> Verdict | None:
        names = self.outside(role)
        known: dict[str, list[str]] = table("managed_policies")["allows"]
        for name in names:
            if any(text.overlap(pattern.lower(), action.lower()) for pattern in known.get(name, ())):
                return "yes"
        return "unknown" if any(name not in known for name in names) else None

    def _within_boundary(self, role: Resource, action: str) -> bool:
        boundary = self._view.target(role.properties.get("PermissionsBoundary"), "AWS::IAM::ManagedPolicy")
        if boundary is None:
            return True
        return any(one.allows and one.covers(action) for one in statements(boundary, "PolicyDocument"))
