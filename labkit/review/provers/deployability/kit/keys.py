"""What a key's policy lets services, roles and the account do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.roles import Verdict
    from labkit.review.provers.deployability.kit.view import View

# ``aws``: one that AWS manages, whose policy nobody can edit. ``elsewhere``: its policy is not in the template.
Kind = Literal["none", "aws", "ours", "elsewhere"]
_KEYS = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias")


class Keys:
    """The keys of a template."""

    def __init__(self, view: View) -> None:
        self._view = view

    def of(self, value: Any) -> Resource | None:
        """Return the key that a value names, directly or by an alias."""
        found = self._view.target(value, *_KEYS)
        if found is not None and found.type == "AWS::KMS::Alias":
            found = self._view.target(found.properties.get("TargetKeyId"), *_KEYS)
        return found if found is not None and found.type != "AWS::KMS::Alias" else None

    def kind(self, value: Any) -> Kind:
        """Tell what a property for a key holds."""
        if value is None or value == "":
            return "none"
        if any("alias/aws/" in one for one in self._view.texts(value)):
            return "aws"
        return "ours" if self.of(value) is not None else "elsewhere"

    @cached_property
    def _statements(self) -> dict[str, tuple[Statement, ...]]:
        return {key.logical_id: tuple(statements(key, "KeyPolicy")) for key in self._view.of(*_KEYS[:2])}

    def statements(self, key: Resource) -> tuple[Statement, ...]:
        """Return the statements of a key's policy."""
        return self._statements.get(key.logical_id, ())

    def service_lacks(
        self,
        key: Resource,
        principal: str,
        actions: Iterable[str],
        *,
        source: Resource | None = None,
        context: tuple[str, str] | None = None,
    ) -> list[str]:
        """Return what a service may not do with a key on behalf of a resource.

        Args:
            key: of the template.
            principal: such as ``events.amazonaws.com``, or ``role/...`` for a role of AWS.
            actions: such as ``kms:Decrypt``.
            source: the resource that makes the service use the key.
            context: a condition key on the encryption context, and the pattern of its value.
        """
        fitting = [one for one in self.statements(key) if one.allows and self._names(one, principal)]
        fitting = [one for one in fitting if self._view.policies.fits(one, source) and self._context(one, context)]
        return [action for action in actions if not any(one.covers(action) for one in fitting)]

    def account_may(self, key: Resource, action: str) -> bool:
        """Tell whether a key's policy leaves it to the account's identity policies who may do something."""
        return any(
            one.allows and one.covers(action) and any(_is_account(who) for who in one.principals.get("AWS", ()))
            for one in self.statements(key)
        )

    def role_may(self, role: Resource | None, key: Resource, action: str, *, at: Resource | None = None) -> Verdict:
        """Tell whether a role may use a key: by the key's policy, or by its own where the key leaves it to them."""
        if role is not None and self._lets_role(role, key, action):
            return "yes"
        if not self.account_may(key, action):
            return "unknown" if role is None else "no"
        return self._view.roles.may(role, action, on=key, at=at)

    def _lets_role(self, role: Resource, key: Resource, action: str) -> bool:
        name = self._view.literal_name(role)
        for one in self.statements(key):
            if not (one.allows and one.covers(action)):
                continue
            for who in one.principals.get("AWS", ()):
                if f"${{{role.logical_id}" in who or (name and who.endswith(f"role/{name}")):
                    return True
            if one.for_anyone and not any("via" in key.lower() for tested in one.condition.values() for key in tested):
                return True
        return False

    def _names(self, statement: Statement, principal: str) -> bool:
        if principal.startswith("role/"):
            given = (
                *statement.principals.get("AWS", ()),
                *(one for _, given in statement.conditions_on("aws:PrincipalArn") for one in given),
            )
            # Only what is written may hold the role's name, not what a reference stands for.
            return any(
                principal[5:] in one or ("*" in one and text.overlap(f"*{principal[5:]}*", text.written(one)))
                for one in given
            )
        if statement.for_anyone:
            # Conditions on the caller are met by people and roles of the account, not by a service of its own accord.
            callers = {"kms:calleraccount", "kms:viaservice", "aws:principalaccount", "aws:principalarn"}
            return not any(key.lower() in callers for tested in statement.condition.values() for key in tested)
        return self._view.policies.names_service(statement, principal)

    def _context(self, statement: Statement, context: tuple[str, str] | None) -> bool:
        if context is None:
            return True
        key, wanted = context
        return all(
            any(self._matches(one, wanted) for one in given)
            for operator, given in statement.conditions_on(key)
            if "not" not in operator.lower()
        )

    def _matches(self, pattern: str, wanted: str) -> bool:
        view = self._view
        pattern = text.known(pattern, region=view.region, partition=view.partition)
        ours = {token.partition(".")[0] for token in text.tokens(pattern)} & set(view.template.resources)
        if ours:
            return any(f"${{{name}" in wanted for name in ours)
        return text.overlap_arn(text.as_glob(pattern), text.as_glob(wanted))


def _is_account(principal: str) -> bool:
    return principal == "*" or principal.endswith(":root") or principal in ("${AWS::AccountId}",) or principal.isdigit()
