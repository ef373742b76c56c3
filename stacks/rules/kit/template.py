"""A CloudFormation template as the rules see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stacks.rules.kit import values
from stacks.rules.kit.values import Found

# The part of a template that is no resource: outputs, mappings, conditions, parameters.
REST = "(outputs, mappings, conditions)"


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource of a template."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    whole: dict[str, Any]

    @cached_property
    def memory(self) -> dict[Any, Any]:
        """Room for what several rules read out of the properties, which do not change."""
        return {}

    @cached_property
    def references(self) -> frozenset[str]:
        """The logical ids and pseudo parameters that the properties name."""
        return frozenset(values.references(self.properties))

    @cached_property
    def texts(self) -> tuple[Found, ...]:
        """Each text in the properties with its path, in the order of the template."""
        return tuple(values.strings(self.properties))

    def each(self, path: str) -> Iterator[Found]:
        """Yield (path, value) of each possible value of a property; see ``values.each``."""
        yield from values.each(self.properties, path)

    def one(self, path: str) -> Any:
        """Return the first possible value of a property, or ``None``."""
        return next((value for _, value in self.each(path)), None)


class Template:
    """A template's resources by logical id and by type.

    Raises:
        ValueError: it is no template, with the reason.
    """

    def __init__(self, content: Any) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"a template is a JSON object, got {type(content).__name__}")
        resources = content.get("Resources")
        if not isinstance(resources, dict) or not resources:
            raise ValueError("a template needs at least one entry under Resources, got none")
        self.content = content
        self.resources: dict[str, Resource] = {}
        for logical_id, body in resources.items():
            if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
                raise ValueError(f"Resources.{logical_id} needs a Type")
            properties = body.get("Properties", {})
            if not isinstance(properties, dict):
                raise ValueError(f"Resources.{logical_id}.Properties is a JSON object, got {type(properties).__name__}")
            self.resources[logical_id] = Resource(logical_id, body["Type"], properties, body)

    @cached_property
    def rest(self) -> Resource:
        """Everything that is no resource, for the rules that read it too."""
        rest = {name: part for name, part in self.content.items() if name != "Resources"}
        return Resource("", REST, rest, rest)

    @cached_property
    def by_type(self) -> dict[str, list[Resource]]:
        """Resources by type, in the order of the template."""
        found: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            found.setdefault(resource.type, []).append(resource)
        return found

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of some types; ``*`` is every type and the rest of the template."""
        if "*" in types:
            return [*self.resources.values(), self.rest]
        return [resource for type_ in types for resource in self.by_type.get(type_, [])]

    def target(self, value: Any, *types: str) -> Resource | None:
        """Return the resource of one of these types that a value names, if it names exactly one."""
        named = [
            resource
            for name in sorted(values.references(value))
            if (resource := self.resources.get(name)) is not None and (not types or resource.type in types)
        ]
        return named[0] if len(named) == 1 else None
