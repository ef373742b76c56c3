"""Custom resources that do something when the stack is deleted, and what they do it to."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references, texts

_GENERAL = "AWS::CloudFormation::CustomResource"


def is_hook(resource: Resource) -> bool:
    """Tell whether a resource is a custom one."""
    return resource.type.startswith("Custom::") or resource.type == _GENERAL


def hooks(view: View) -> list[Resource]:
    """The custom resources of a template."""
    return [one for one in view.template.resources.values() if is_hook(one)]


def on(view: View, resource: Resource) -> Iterator[Resource]:
    """Yield the custom resources that name a resource, by reference or by its literal name."""
    named = _named(view)
    found = [*named.get(f"${{{resource.logical_id}}}", ()), *named.get(view.literal_name(resource) or "${}", ())]
    yield from dict.fromkeys(found)


def naming(view: View, name: str) -> list[Resource]:
    """The custom resources that have a text as a property."""
    return _named(view).get(name, [])


def _named(view: View) -> dict[str, list[Resource]]:
    """Custom resources by what their properties say, and by what they refer to, written as a reference."""

    def work() -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for hook in hooks(view):
            given = [value for key, value in hook.properties.items() if key != "ServiceToken"]
            said = {text for value in given for text in texts(value)}
            for text in sorted(said | {f"${{{name}}}" for value in given for name in references(value)}):
                found.setdefault(text, []).append(hook)
        return found

    known: dict[str, list[Resource]] = view.once("custom resources by what they name", work)
    return known
