"""Template values made concrete: references, functions, conditions and rules, as CloudFormation evaluates them."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.rehearsal.stacks.faults import Refused
from labkit.rehearsal.stacks.template import SUBSTITUTED, Template

NO_VALUE = object()
DYNAMIC = re.compile(r"\{\{resolve:(ssm|secretsmanager):([^{}]+)\}\}")


@dataclass(kw_only=True)
class Values:
    """Evaluates pieces of one template for one stack.

    Args:
        pseudo: ``AWS::Region`` and the like.
        ref: physical id of a resource, by logical id.
        attribute: attribute of a resource, by logical id and name.
        imported: value of an export, by name.
        dynamic: value of a ``{{resolve:...}}``, by service and the rest.
        zones: availability zones of a region.
    """

    template: Template
    parameters: dict[str, Any]
    pseudo: dict[str, Any]
    ref: Callable[[str], str]
    attribute: Callable[[str, str], Any]
    imported: Callable[[str], str]
    dynamic: Callable[[str, str], str]
    zones: Callable[[str], list[str]]

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        conditions = self.template.section("Conditions")
        if name not in conditions:
            raise Refused(f"Template error: condition {name} does not exist")
        return self._holds(conditions[name])

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, dict) and len(condition) == 1:
            ((key, inner),) = condition.items()
            if key == "Condition":
                return self.condition(inner)
            if key == "Fn::And":
                return all(self._holds(item) for item in inner)
            if key == "Fn::Or":
                return any(self._holds(item) for item in inner)
            if key == "Fn::Not":
                return not self._holds(inner[0])
            if key == "Fn::Equals":
                left, right = (self.of(item) for item in inner)
                return left == right if isinstance(left, list) else _text(left) == _text(right)
            if key == "Fn::Contains":
                return _text(self.of(inner[1])) in [_text(item) for item in self.of(inner[0])]
        raise Refused(f"Template error: not a condition: {json.dumps(condition)}")

    def check_rules(self) -> None:
        """Check the template's Rules section, such as CDK's minimum bootstrap version."""
        for name, rule in self.template.section("Rules").items():
            if "RuleCondition" in rule and not self._holds(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self._holds(assertion["Assert"]):
                    raise Refused(
                        f"Rule {name} failed: {assertion.get('AssertDescription', 'assertion does not hold')}"
                    )

    def of(self, value: Any) -> Any:
        """A piece of template, made concrete."""
        if isinstance(value, list):
            return [made for item in value if (made := self.of(item)) is not NO_VALUE]
        if isinstance(value, dict):
            if len(value) == 1:
                ((key, inner),) = value.items()
                if key == "Ref":
                    return self._ref(inner)
                if key == "Condition" and isinstance(inner, str) and inner in self.template.section("Conditions"):
                    return self.condition(inner)
                if key.startswith("Fn::"):
                    function = getattr(self, "_" + key[4:].lower(), None)
                    if function is None:
                        raise Refused(f"Template format error: Unrecognized function: {key}")
                    return function(inner)
            return {key: made for key, item in value.items() if (made := self.of(item)) is not NO_VALUE}
        if isinstance(value, str) and "{{resolve:" in value:
            return DYNAMIC.sub(lambda found: self.dynamic(found[1], found[2]), value)
        return value

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        return self.parameters[name] if name in self.parameters else self.ref(name)

    def _getatt(self, inner: Any) -> Any:
        logical_id, attribute = inner.split(".", 1) if isinstance(inner, str) else (inner[0], self.of(inner[1]))
        return self.attribute(logical_id, attribute)

    def _sub(self, inner: Any) -> str:
        text, given = (inner, {}) if isinstance(inner, str) else (inner[0], self.of(inner[1]))

        def put(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name in given:
                return _text(given[name])
            return _text(self._getatt(name) if "." in name else self._ref(name))

        return str(self.of(SUBSTITUTED.sub(put, text).replace("${!", "${")))

    def _if(self, inner: Any) -> Any:
        return self.of(inner[1] if self.condition(inner[0]) else inner[2])

    def _join(self, inner: Any) -> Any:
        joined = inner[0].join(_text(item) for item in self.of(inner[1]))
        return self.of(joined)

    def _select(self, inner: Any) -> Any:
        choices, index = self.of(inner[1]), int(self.of(inner[0]))
        if not 0 <= index < len(choices):
            raise Refused(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return choices[index]

    def _split(self, inner: Any) -> list[str]:
        return str(self.of(inner[1])).split(inner[0])

    def _findinmap(self, inner: Any) -> Any:
        path = [self.of(item) for item in inner[:3]]
        found: Any = self.template.section("Mappings")
        for step in path:
            if not isinstance(found, dict) or step not in found:
                if len(inner) > 3:
                    return self.of(inner[3]["DefaultValue"])
                raise Refused(f"Template error: Unable to get mapping for {'::'.join(map(str, path))}")
            found = found[step]
        return self.of(found)

    def _getazs(self, inner: Any) -> list[str]:
        return self.zones(self.of(inner) or self.pseudo["AWS::Region"])

    def _base64(self, inner: Any) -> str:
        return base64.b64encode(str(self.of(inner)).encode()).decode()

    def _importvalue(self, inner: Any) -> str:
        return self.imported(self.of(inner))

    def _tojsonstring(self, inner: Any) -> str:
        return json.dumps(self.of(inner))

    def _length(self, inner: Any) -> int:
        return len(self.of(inner))

    def _cidr(self, inner: Any) -> list[str]:
        block, count = ipaddress.ip_network(self.of(inner[0])), int(self.of(inner[1]))
        bits = int(self.of(inner[2])) if len(inner) > 2 else 8
        subnets = block.subnets(new_prefix=block.max_prefixlen - bits)
        return [str(subnet) for subnet, _ in zip(subnets, range(count), strict=False)]


def _text(value: Any) -> str:
    """As CloudFormation writes a scalar into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
