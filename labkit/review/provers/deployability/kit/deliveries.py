"""Who sends what to which topic, queue, function or log group, and as which service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit.tables import by_type
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import each

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View


@dataclass(frozen=True)
class Delivery:
    """One place in a template from which a service sends to a resource of the template."""

    path: str
    value: Any
    target: Resource
    row: dict[str, Any]

    @property
    def principal(self) -> str:
        return str(self.row["principal"])


def deliveries(resource: Resource, view: View) -> Iterator[Delivery]:
    """Yield what a service sends on behalf of a resource, with the service's own identity."""
    for row in by_type("deliveries", "delivery").get(resource.type, ()):
        if "where" in row and not _holds(resource, row["where"], view):
            continue
        for path, value in _sent(resource, row):
            target = view.policies.function(value) or view.target(value, *_TARGETS)
            if target is not None and target is not resource and target.type in row.get("to", _TARGETS):
                yield Delivery(path, value, target, row)


_TARGETS = ("AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Lambda::Function")


def _sent(resource: Resource, row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "unless" not in row:
        yield from resource.each(row["path"])
        return
    # A role beside the target makes the service act with the role instead of its own identity.
    outer, _, inner = row["path"].rpartition("*.")
    for where, item in resource.each(f"{outer}*"):
        if isinstance(item, dict) and item.get(row["unless"]) is None:
            yield from each(item, inner, at=where)


def _holds(resource: Resource, where: dict[str, str], view: View) -> bool:
    return all(any(view.text(value) == wanted for _, value in resource.each(path)) for path, wanted in where.items())
