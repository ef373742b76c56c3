"""A template as CloudFormation reads it: parameters checked, conditions decided, references put in order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from labkit.rehearsal.stacks.faults import Refused

SUBSTITUTED = re.compile(r"\$\{([^!${}][^${}]*)\}")
PSEUDO = "AWS::"


def read(body: str) -> dict[str, Any]:
    """Parse a template in JSON, or in YAML with CloudFormation's short tags.

    Raises:
        Refused: it is neither, or it has no resources, or it is larger than CloudFormation takes.
    """
    if len(body.encode()) > 1_000_000:
        raise Refused("Template may not exceed 1000000 bytes in size.")
    try:
        template = json.loads(body) if body.lstrip().startswith("{") else _yaml(body)
    except ValueError as error:
        raise Refused(f"Template format error: {error}") from None
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        raise Refused("Template format error: At least one Resources member must be defined.")
    if len(template["Resources"]) > 500:
        raise Refused(
            "Template format error: Number of resources, {}, is greater than maximum allowed, 500".format(
                len(template["Resources"])
            )
        )
    return template


def _yaml(body: str) -> Any:
    yaml: Any = import_module("yaml")

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            value: Any = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        if suffix in ("Ref", "Condition"):
            return {suffix: value}
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {f"Fn::{suffix}": value}

    # A safe loader that also knows the short tags.
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", tagged)  # type: ignore[attr-defined]
    try:
        return yaml.load(body, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def references(value: Any) -> Iterator[str]:
    """Every name that a piece of template refers to: resources, parameters and pseudo parameters."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((key, inner),) = value.items()
            if key == "Ref" and isinstance(inner, str):
                yield inner
                return
            if key == "Fn::GetAtt":
                yield inner.split(".")[0] if isinstance(inner, str) else inner[0]
                return
            if key == "Fn::Sub":
                text, given = (inner, {}) if isinstance(inner, str) else (inner[0], inner[1])
                yield from (name.split(".")[0].strip() for name in SUBSTITUTED.findall(text) if name not in given)
                yield from references(list(given.values()))
                return
        for item in value.values():
            yield from references(item)


class Template:
    """A parsed template.

    Raises:
        Refused: a reference leads nowhere, or resources depend on each other in a circle.
    """

    def __init__(self, body: str) -> None:
        self.body = body
        self.content = read(body)
        self.resources: dict[str, dict[str, Any]] = self.content["Resources"]
        self._check_references()
        self.order = self._ordered()

    def section(self, name: str) -> dict[str, Any]:
        """A top-level section, empty where the template has none."""
        return dict(self.content.get(name) or {})

    @cached_property
    def needs(self) -> dict[str, set[str]]:
        """Per resource, the resources that must exist before it."""
        found = {}
        for logical_id, resource in self.resources.items():
            explicit = resource.get("DependsOn") or []
            explicit = [explicit] if isinstance(explicit, str) else explicit
            used = {
                *references(resource.get("Properties") or {}),
                *references(resource.get("Metadata") or {}),
                *explicit,
            }
            found[logical_id] = used & self.resources.keys()
        return found

    def _check_references(self) -> None:
        known = self.resources.keys() | self.section("Parameters").keys()
        for section, parts in (("Resources", self.resources), ("Outputs", self.section("Outputs"))):
            missing = sorted(
                {name for part in parts.values() for name in references(part) if not name.startswith(PSEUDO)} - known
            )
            if missing:
                raise Refused(
                    f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
                    f"in the {section} block of the template"
                )
        for logical_id, resource in self.resources.items():
            if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
                raise Refused(
                    f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
                )
            condition = resource.get("Condition")
            if condition and condition not in self.section("Conditions"):
                raise Refused(
                    f"Template format error: Unresolved condition dependency {condition} in the Resources block"
                )
            explicit = resource.get("DependsOn") or []
            for name in [explicit] if isinstance(explicit, str) else explicit:
                if name not in self.resources:
                    raise Refused(
                        f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
                    )

    def _ordered(self) -> list[str]:
        done: dict[str, None] = {}
        open_: list[str] = []

        def visit(logical_id: str) -> None:
            if logical_id in done:
                return
            if logical_id in open_:
                circle = open_[open_.index(logical_id) :]
                raise Refused(f"Circular dependency between resources: [{', '.join(sorted(circle))}]")
            open_.append(logical_id)
            for other in self.resources:
                if other in self.needs[logical_id]:
                    visit(other)
            open_.pop()
            done[logical_id] = None

        for logical_id in self.resources:
            visit(logical_id)
        return list(done)

    def capabilities_needed(self) -> set[str]:
        """CAPABILITY_IAM or CAPABILITY_NAMED_IAM (a named IAM resource), or nothing."""
        named = {
            "AWS::IAM::Role": "RoleName",
            "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
            "AWS::IAM::User": "UserName",
            "AWS::IAM::Group": "GroupName",
            "AWS::IAM::InstanceProfile": "InstanceProfileName",
        }
        needed: set[str] = set()
        for resource in self.resources.values():
            if not resource["Type"].startswith("AWS::IAM::"):
                continue
            needed.add("CAPABILITY_IAM")
            if named.get(resource["Type"], "-") in (resource.get("Properties") or {}):
                return {"CAPABILITY_NAMED_IAM"}
        return needed


def parameters(template: Template, given: Mapping[str, str], *, stored: Any) -> dict[str, Any]:
    """The parameters' values, checked against their declarations.

    Args:
        stored: reads a value from the Systems Manager parameter store by name.

    Raises:
        Refused: one is missing, unknown, or outside of what its declaration allows.
    """
    declared = template.section("Parameters")
    if unknown := sorted(given.keys() - declared.keys()):
        raise Refused(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := sorted(name for name, slot in declared.items() if name not in given and "Default" not in slot):
        raise Refused(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _value(name, slot, str(given.get(name, slot.get("Default"))), stored) for name, slot in declared.items()
    }


def _value(name: str, slot: dict[str, Any], value: str, stored: Any) -> Any:
    kind = slot.get("Type", "String")
    told = slot.get("ConstraintDescription")
    allowed = slot.get("AllowedValues")
    if allowed is not None and value not in [str(item) for item in allowed]:
        raise Refused(
            (told and f"Parameter {name} failed to satisfy constraint: {told}")
            or f"Parameter '{name}' must be one of AllowedValues"
        )
    pattern = slot.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise Refused(
            f"Parameter {name} failed to satisfy constraint: {told or f'Parameter {name} must match pattern {pattern}'}"
        )
    for bound, wrong in (
        ("MinLength", len(value) < int(slot.get("MinLength", 0))),
        ("MaxLength", len(value) > int(slot.get("MaxLength", len(value)))),
    ):
        if wrong:
            raise Refused(f"Parameter {name} failed to satisfy constraint: {told or f'{bound} is {slot[bound]}'}")
    if kind == "Number":
        try:
            number = float(value)
        except ValueError:
            raise Refused(f"Parameter '{name}' must be a number.") from None
        if not float(slot.get("MinValue", number)) <= number <= float(slot.get("MaxValue", number)):
            raise Refused(f"Parameter {name} failed to satisfy constraint: {told or 'outside MinValue and MaxValue'}")
    if kind.startswith("AWS::SSM::Parameter::Value"):
        value = stored(value)
    if kind == "CommaDelimitedList" or "List<" in kind:
        return [item.strip() for item in value.split(",")] if value else []
    return value
