"""The options of a resource are ones that the service takes together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import each

_ROWS = by_type("options", "option")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS[resource.type]:
        for path, part in _parts(resource, row):
            if _matches(resource, part, row, view):
                subject = [
                    *row.get("present", ()),
                    *row.get("equals", ()),
                    *row.get("above", ()),
                    *row.get("absent", ()),
                ]
                name = subject[0] if subject else ""
                where = ".".join(one for one in (path, name) if one)
                yield Fault(where, _first(part, name), row["what"], error=row["error"], fix=row["fix"])


def _parts(resource: Resource, row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "at" not in row:
        yield "", resource.properties
        return
    for path, part in resource.each(row["at"]):
        if isinstance(part, dict):
            yield path, part


def _matches(resource: Resource, part: dict[str, Any], row: dict[str, Any], view: View) -> bool:
    if "above" in row:
        low, high = (text.number(_first(part, name)) for name in row["above"])
        return low is not None and high is not None and low > high
    if "source_type" in row:
        source = view.target(part.get("EventSourceArn"))
        if source is None or source.type != row["source_type"]:
            return False
    numbers = ((text.number(_first(part, name)), most) for name, most in row.get("above_value", {}).items())
    return (
        all(_first(part, name) is not None for name in row.get("present", ()))
        and all(_absent(part, name) for name in row.get("absent", ()))
        and all(_absent(resource.properties, name) for name in row.get("root_absent", ()))
        and all(_first(resource.properties, name) is not None for name in row.get("root_present", ()))
        and all(view.plain(_first(part, name)) == value for name, value in row.get("equals", {}).items())
        and all(_differs(part, name, value, row, view) for name, value in row.get("differs", {}).items())
        and all(_differs(part, name, value, row, view) for name, value in row.get("also_differs", {}).items())
        and all(found is not None and found > most for found, most in numbers)
        and all(_ends_otherwise(part, name, end, view) for name, end in row.get("name_without", {}).items())
    )


def _first(part: dict[str, Any], path: str) -> Any:
    return next((value for _, value in each(part, path)), None) if path else None


def _absent(part: dict[str, Any], path: str) -> bool:
    return all(value is None for _, value in each(part, path))


def _differs(part: dict[str, Any], name: str, value: str, row: dict[str, Any], view: View) -> bool:
    found = _first(part, name)
    if found is None:
        return bool(row.get("default", {}).get(name) != value)
    plain = view.plain(found)
    return plain is not None and plain.lower() != value.lower()


def _ends_otherwise(part: dict[str, Any], name: str, end: str, view: View) -> bool:
    found = view.text(_first(part, name))
    return found is not None and not found.endswith(end) and not found.endswith("}")


CHECK = Check(
    id="deploy-options-agree",
    title="The options of a resource are ones that the service takes together",
    phase="create",
    why="Schemas allow each property alone; that two exclude or need each other is known to the service only.",
    fix="Leave one of the two out, or add what the other needs.",
    error="(ValidationException)",
    sources=(
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OfflineStoreConfig.html",
        "https://github.com/aws/aws-cli/issues/6702",
        "https://github.com/hashicorp/terraform-provider-aws/pull/45926",
    ),
    covers=("DF-043", "DF-051"),
    types=tuple(_ROWS),
    look=look,
)
