"""Physical names: which are fixed, which vary with the content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

_SAME = {"AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::StackName", "AWS::URLSuffix"}
# A digest in a name changes with what it is computed from.
_DIGEST = re.compile(r"(?<![0-9a-zA-Z])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}(?![0-9a-zA-Z])|[0-9a-f]{16,}")


def fixed_name(resource: Resource, view: View) -> str | None:
    """The name of a resource, if it stays the same whatever else in the template changes."""
    name = view.name_property(resource)
    return fixed(resource.properties.get(name), view) if name else None


def fixed(value: Any, view: View) -> str | None:
    """A value that stays the same whatever else in the template changes."""
    found = view.text(value)
    if not found or (isinstance(value, (dict, list)) and not is_function(value)):
        return None
    parameters = set(view.template.content.get("Parameters") or {})
    varying = [one for one in text.tokens(found) if one not in _SAME and one not in parameters]
    return None if varying or _DIGEST.search(found) else found


def create_only(type_: str, view: View) -> tuple[set[str], set[str]]:
    """The properties that replace a resource of a type when they change, and those that do not."""
    content = view.schema(type_) or {}
    fixed_ones = {
        pointer.removeprefix("/properties/").split("/")[0] for pointer in content.get("createOnlyProperties", [])
    }
    computed = {pointer.removeprefix("/properties/") for pointer in content.get("readOnlyProperties", [])}
    free = set(content.get("properties", {})) - fixed_ones - computed
    return fixed_ones, free
