"""A template with what several checks ask of it, each worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.rehearsal.stacks.schema import schema
from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.clean import UNREADABLE, cleaned
from labkit.review.provers.deployability.kit.graph import Graph
from labkit.review.provers.deployability.kit.groups import Groups
from labkit.review.provers.deployability.kit.keys import Keys
from labkit.review.provers.deployability.kit.network import Network
from labkit.review.provers.deployability.kit.policies import Policies
from labkit.review.provers.deployability.kit.roles import Roles
from stacks.rules.kit.template import REST, Resource, Template
from stacks.rules.kit.values import as_list, is_function, texts

__all__ = ["View"]


class View:
    """What the checks read of one template.

    Args:
        content: the template, whatever it holds below its resources.
        region: where it would be deployed.
        partition: ``aws``, ``aws-us-gov`` or ``aws-cn``.
        size: of the template's file in bytes, if there is one.
        stack: its name, if it is known.
        assets: keys of the files that deployment uploads; ``None`` where they are not known.
        files: those of them that can be read, by their keys.

    Raises:
        ValueError: it is no template, with the reason.
    """

    def __init__(
        self,
        content: Any,
        *,
        region: str = "us-east-1",
        partition: str = "aws",
        size: int = 0,
        stack: str = "",
        assets: frozenset[str] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> None:
        readable, self.removed = cleaned(content)
        self.template = Template(readable)
        self.region = region
        self.partition = partition
        self.size = size
        self.stack = stack
        self.assets = assets
        self.files: Mapping[str, Path] = files or {}

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.template)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self)

    @cached_property
    def roles(self) -> Roles:
        return Roles(self)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self)

    @cached_property
    def groups(self) -> Groups:
        return Groups(self)

    @cached_property
    def network(self) -> Network:
        return Network(self)

    @cached_property
    def memory(self) -> dict[str, Any]:
        """Room for what one check works out once for all resources."""
        return {}

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """Work something out for the first resource that asks, and give the same to the others."""
        if name not in self.memory:
            self.memory[name] = work()
        return self.memory[name]

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of some types; ``*`` is every one, ``REST`` what is no resource."""
        rest = [self.template.rest] if REST in types else []
        if "*" in types:
            return [*self.template.resources.values(), *rest]
        return self.template.of(*types) + rest

    def target(self, value: Any, *types: str) -> Resource | None:
        """Return the resource that a value refers to, or whose literal name it repeats."""
        named = self.template.target(value, *types)
        if named is not None or not isinstance(value, str):
            return named
        found = self.by_name.get(text.name_of(value), []) if value else []
        right = [one for one in found if not types or one.type in types]
        return right[0] if len(right) == 1 else None

    @cached_property
    def by_name(self) -> dict[str, list[Resource]]:
        """Resources by the literal name that the template gives them."""
        found: dict[str, list[Resource]] = {}
        for resource in self.template.resources.values():
            if name := self.literal_name(resource):
                found.setdefault(name, []).append(resource)
        return found

    def name_property(self, resource: Resource) -> str | None:
        """The property by which a resource is given its physical name, if its type has one."""
        return _name_property(resource.type, self.region)

    def literal_name(self, resource: Resource) -> str | None:
        """The physical name that a template gives a resource, where it is known before deployment."""
        name = self.name_property(resource)
        given = self.plain(resource.properties.get(name)) if name else None
        return given or None

    def text(self, value: Any) -> str | None:
        """The first text a value may become; what waits for deployment stays as ``${...}``."""
        found = text.first_text(value)
        return None if found is None else text.known(found, region=self.region, partition=self.partition)

    def texts(self, value: Any) -> list[str]:
        """Every text a value may become."""
        return [text.known(one, region=self.region, partition=self.partition) for one in texts(value)]

    def texts_in(self, resource: Resource) -> list[str]:
        """Every text that stands in a resource's properties as it is."""
        return [text.known(one, region=self.region, partition=self.partition) for _, one in resource.texts]

    def plain(self, value: Any) -> str | None:
        """The text of a value, if it is known before deployment."""
        found = self.text(value)
        return found if found is not None and text.is_plain(found) and not _unread(value) else None

    def listed(self, resource: Resource, path: str) -> Iterator[tuple[str, Any]]:
        """Yield (path, value) of what stands at a path; what is absent is left out."""
        for where, value in resource.each(path):
            if value is not None:
                yield where, value

    def given(self, resource: Resource, path: str) -> bool:
        """Tell whether something stands at a path."""
        return any(True for _ in self.listed(resource, path))

    def items(self, resource: Resource, path: str) -> list[Any]:
        """The items of a list at a path; a function that gives the whole list is one item."""
        return [one for _, value in resource.each(path) for one in as_list(value)]

    def schema(self, type_: str) -> dict[str, Any] | None:
        """The published schema of a type in the template's region."""
        return schema(type_, self.region)

    def waits(self, value: Any) -> bool:
        """Tell whether a value is known only at deployment."""
        return is_function(value) or (isinstance(value, dict) and UNREADABLE in value)


def _unread(value: Any) -> bool:
    return isinstance(value, (dict, list)) and not is_function(value)


# Names that the general rule below does not find.
_NAMES = {
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::Glue::Database": "DatabaseInput.Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Alias": "",
    "AWS::S3::Bucket": "BucketName",
}
_known_names: dict[str, str | None] = {}


def _name_property(type_: str, region: str) -> str | None:
    if type_ not in _known_names:
        _known_names[type_] = _find_name(type_, region)
    return _known_names[type_]


def _find_name(type_: str, region: str) -> str | None:
    if type_ in _NAMES:
        return _NAMES[type_].split(".")[0] if "." not in _NAMES[type_] else None
    content = schema(type_, region) or {}
    properties = content.get("properties", {})
    last = type_.rpartition("::")[2]
    fixed = {pointer.removeprefix("/properties/") for pointer in content.get("createOnlyProperties", [])}
    computed = {pointer.removeprefix("/properties/") for pointer in content.get("readOnlyProperties", [])}
    identifiers = [one.removeprefix("/properties/") for one in content.get("primaryIdentifier", [])]
    if identifiers and all(one.endswith("Id") and one not in fixed for one in identifiers):
        return None  # the service tells such resources apart by a number of its own, their names need not differ
    usual: tuple[str, ...] = (f"{last}Name", "Name", f"{last}Identifier", "Identifier", "Id")
    for name in usual:
        if name in properties and name in fixed and name not in computed:
            return name
    likely: list[str] = [
        name for name in identifiers if name.endswith("Name") and name in fixed and name not in computed
    ]
    if len(identifiers) == 1 and likely:
        return likely[0]
    short: list[str] = [
        name for name in fixed if "/" not in name and name.endswith("Name") and last.endswith(name[:-4])
    ]
    return short[0] if len(short) == 1 and short[0] not in computed else None
