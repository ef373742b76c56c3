"""No resource asks for more zones than every account and region has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function

# Regions with two zones for some accounts, and what others have at least.
_FEWEST = 2


def look(resource: Resource, view: View) -> Iterable[Fault]:
    stack: list[tuple[str, Any]] = list(resource.properties.items())
    while stack:
        path, value = stack.pop()
        if is_function(value) and "Fn::Select" in value:
            place, given = value["Fn::Select"]
            index = text.number(place)
            most = _length(given)
            if index is not None and most is not None and index >= most:
                yield Fault(path, value, _words(given, index, most),
                            error=f"Template error: Fn::Select cannot select nonexistent value at index {index}")  # fmt: skip
        if isinstance(value, dict):
            stack += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}.{place}", inner) for place, inner in enumerate(value)]
    zone = view.plain(resource.properties.get("AvailabilityZone"))
    if zone and resource.type == "AWS::EC2::Subnet" and not zone.startswith(view.region):
        error = f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {view.region}..."
        yield Fault("AvailabilityZone", zone, f"the zone is not in {view.region}", error=error, fix="Use Fn::GetAZs.")


def _length(given: Any) -> int | None:
    if isinstance(given, list):
        return len(given)
    if is_function(given) and "Fn::GetAZs" in given:
        return _FEWEST
    if is_function(given) and "Fn::Cidr" in given:
        argument = given["Fn::Cidr"]
        return text.number(argument[1]) if isinstance(argument, list) and len(argument) > 1 else None
    return None


def _words(given: Any, index: int, most: int) -> str:
    if is_function(given) and "Fn::GetAZs" in given:
        return f"zone number {index + 1} is asked for; accounts exist that have only {most} zones with a default subnet"
    return f"value number {index + 1} is asked for, and there are {most}"


CHECK = Check(
    id="deploy-zones-exist",
    title="Fn::Select asks for nothing beyond the end of its list",
    phase="create",
    why="Fn::GetAZs gives the zones with a default subnet, which are two or three in many accounts.",
    fix="Use two zones, or name zones that the account has.",
    error="Template error: Fn::Select cannot select nonexistent value at index 2",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html",
        "https://github.com/runs-on/runs-on/issues/266",
    ),
    covers=("DF-143",),
    types=("*",),
    look=look,
)
