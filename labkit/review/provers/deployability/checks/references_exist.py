"""Everything that a template refers to is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import REST, Resource
from stacks.rules.kit.values import as_list, is_function, references

_PARTS = ("Properties", "UpdatePolicy", "CreationPolicy")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    content = view.template.content
    known = view.once("known names", lambda: set(view.template.resources) | _names(content, "Parameters"))
    conditions = view.once("known conditions", lambda: _names(content, "Conditions"))
    if resource.type == REST:
        outputs = content.get("Outputs")
        yield from _missing("Outputs", outputs, known, view)
        yield from _attributes("Outputs", outputs, view)
        return
    for part in _PARTS:
        yield from _missing(part, resource.whole.get(part), known, view)
    yield from _attributes("Properties", resource.properties, view)
    for name in as_list(resource.whole.get("DependsOn")):
        if isinstance(name, str) and name not in view.template.resources:
            yield Fault("DependsOn", name, "there is no such resource",
                        error=f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template")  # fmt: skip
    condition = resource.whole.get("Condition")
    if isinstance(condition, str) and condition not in conditions:
        yield Fault("Condition", condition, "there is no such condition",
                    error=f"Template format error: Unresolved condition dependency {condition} in the Resources block of the template")  # fmt: skip
    for name in sorted(_conditions(resource.properties) - conditions):
        yield Fault("Fn::If", name, "there is no such condition",
                    error=f"Template error: unresolved condition dependency {name} in Fn::If")  # fmt: skip


def _names(content: dict[str, Any], part: str) -> set[str]:
    return set(content[part]) if isinstance(content.get(part), dict) else set()


def _missing(part: str, value: Any, known: set[str], view: View) -> Iterator[Fault]:
    modules = "Transform" in view.template.content
    for name in sorted(references(value)):
        base = name.partition(".")[0]
        if base not in known and not base.startswith("AWS::") and base.strip() and not modules:
            yield Fault(part, name, "there is no such resource or parameter",
                        error=f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template")  # fmt: skip


def _attributes(part: str, value: Any, view: View) -> Iterator[Fault]:
    told = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if is_function(current) and "Fn::GetAtt" in current:
            argument = current["Fn::GetAtt"]
            steps = argument.split(".", 1) if isinstance(argument, str) else [argument[0], argument[1]]
            target = view.template.resources.get(steps[0])
            if target is not None and isinstance(steps[1], str) and (target, steps[1]) not in told:
                told.add((target, steps[1]))
                if not _has(target, steps[1], view):
                    yield Fault(part, ".".join(steps), f"{target.type} gives no attribute {steps[1]}",
                                error=f"Template error: resource {steps[0]} does not support attribute type {steps[1]} in Fn::GetAtt")  # fmt: skip
        if isinstance(current, dict):
            stack += current.values()
        elif isinstance(current, list):
            stack += current


def _has(target: Resource, attribute: str, view: View) -> bool:
    content = view.schema(target.type)
    if content is None or target.type.startswith(("Custom::", "AWS::CloudFormation::", "AWS::Serverless")):
        return True
    first = attribute.split(".")[0]
    computed = {one.removeprefix("/properties/").split("/")[0] for one in content.get("readOnlyProperties", [])}
    return first in computed or first in content.get("properties", {})


def _conditions(value: Any) -> set[str]:
    found: set[str] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if is_function(current) and isinstance(current.get("Fn::If"), list):
            found.add(str(current["Fn::If"][0]))
        if isinstance(current, dict):
            stack += current.values()
        elif isinstance(current, list):
            stack += current
    return found


CHECK = Check(
    id="deploy-references-exist",
    title="Everything that a template refers to is in it",
    phase="create",
    why="CloudFormation refuses a template with a reference to nothing.",
    fix="Refer to a resource, parameter or condition of the template.",
    error="Template format error: Unresolved resource dependencies",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",),
    types=("*", REST),
    look=look,
)
