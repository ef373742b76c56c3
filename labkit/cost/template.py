"""A template as CloudFormation would read it when every parameter keeps its default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_ABSENT = object()
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


@dataclass(frozen=True)
class Resource:
    """A resource that exists when every parameter keeps its default."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    deletion_policy: str


@dataclass(frozen=True)
class Template:
    """A template with its conditions decided and its references to parameters replaced.

    A condition that rests on something unknown (a looked-up value) counts as true, so that no cost is hidden.
    """

    body: Mapping[str, Any]
    region: str = "us-east-1"

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Logical id to resource; those under a false condition are left out."""
        found = {}
        for logical_id, raw in self.body.get("Resources", {}).items():
            if raw.get("Condition") is None or self.holds(raw["Condition"]) is not False:
                policy = raw.get("DeletionPolicy", "Delete")
                properties = self.resolve(raw.get("Properties", {}))
                found[logical_id] = Resource(logical_id, raw["Type"], properties, str(self.resolve(policy)))
        return found

    def of(self, type_: str) -> list[Resource]:
        """The resources of one type, in the order of the template."""
        return [resource for resource in self.resources.values() if resource.type == type_]

    def named(self, value: Any) -> Resource | None:
        """The resource that a ``Ref`` or ``Fn::GetAtt`` names, if the template holds it."""
        return next((self.resources[name] for name in references(value) if name in self.resources), None)

    def holds(self, name: str) -> bool | None:
        """Whether a condition is true by default; None when that cannot be known."""
        return self._decide(self.body.get("Conditions", {}).get(name))

    def _decide(self, condition: Any) -> bool | None:
        if not isinstance(condition, Mapping) or len(condition) != 1:
            return None
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            left, right = (self.resolve(side) for side in argument)
            return None if isinstance(left, dict | list) or isinstance(right, dict | list) else str(left) == str(right)
        if function == "Fn::Not":
            inner = self._decide(argument[0])
            return None if inner is None else not inner
        if function in ("Fn::And", "Fn::Or"):
            decisive = function == "Fn::Or"
            parts = [self._decide(part) for part in argument]
            return decisive if decisive in parts else None if None in parts else not decisive
        return None

    def resolve(self, value: Any) -> Any:
        """A value with parameters and decided ``Fn::If`` replaced; what cannot be known stays as it is."""
        resolved = self._resolve(value)
        return None if resolved is _ABSENT else resolved

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _ABSENT]
        if not isinstance(value, Mapping):
            return value
        if value.keys() == {"Ref"}:
            return self._reference(value["Ref"])
        if value.keys() == {"Fn::If"}:
            name, when_true, when_false = value["Fn::If"]
            decided = self.holds(name)
            if decided is not None:
                return self._resolve(when_true if decided else when_false)
        pairs = ((key, self._resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _ABSENT}

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name == "AWS::Region":
            return self.region
        parameter = self.body.get("Parameters", {}).get(name, {})
        if "Default" not in parameter:
            return {"Ref": name}
        default = parameter["Default"]
        return default.split(",") if "List" in parameter.get("Type", "") and isinstance(default, str) else default


def references(value: Any) -> Iterator[str]:
    """Every logical id that a value names by ``Ref``, ``Fn::GetAtt`` or ``Fn::Sub``, in order."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".")[0] if isinstance(item, str) else item[0]
            elif key == "Fn::Sub":
                text = item if isinstance(item, str) else item[0]
                yield from _SUBSTITUTED.findall(text)
                if not isinstance(item, str):
                    yield from references(item[1])
            else:
                yield from references(item)


def literal(value: Any) -> str:
    """The text of a value with every unknown part left out: enough to recognise what it names."""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        return "".join(literal(item) for item in value)
    if isinstance(value, Mapping):
        if value.keys() == {"Fn::Join"}:
            separator, parts = value["Fn::Join"]
            return str(separator).join(literal(part) for part in parts)
        if value.keys() == {"Fn::Sub"}:
            return literal(value["Fn::Sub"])
    return ""
