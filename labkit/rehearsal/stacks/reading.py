"""What a stack's template means in this account: parameters, references to its resources, outputs and exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import Refused
from labkit.rehearsal.stacks.stack import Resource, Stack
from labkit.rehearsal.stacks.template import Template, parameters
from labkit.rehearsal.stacks.values import NO_VALUE, Values


class Reading:
    """Reads templates for stacks.

    Args:
        living: the stacks whose exports can be imported.
    """

    def __init__(self, context: Context, region: str, living: Callable[[], list[Stack]]) -> None:
        self.context = context
        self.region = region
        self.living = living

    def load(self, stack: Stack, template: Template, given: dict[str, str]) -> None:
        """Check and keep a stack's parameters, and check the template's rules.

        Raises:
            Refused: a parameter or a rule is not satisfied.
        """
        stack.resolved = self.parameters(template, given)
        stack.hidden = {
            name for name, slot in template.section("Parameters").items() if str(slot.get("NoEcho")).lower() == "true"
        }
        self.values(stack, template, stack.resolved).check_rules()

    def parameters(self, template: Template, given: dict[str, str]) -> dict[str, Any]:
        """The parameters' values."""
        return parameters(template, given, stored=lambda name: self._dynamic("ssm", name))

    def declared(self, template: Template, values: Values, logical_id: str) -> Resource:
        """A resource as its template declares it, still without properties."""
        declaration = template.resources[logical_id]
        return Resource(
            logical_id,
            declaration["Type"],
            {},
            needs=frozenset(template.needs[logical_id]),
            deletion_policy=str(values.of(declaration.get("DeletionPolicy", "Delete"))),
            replace_policy=str(values.of(declaration.get("UpdateReplacePolicy", "Delete"))),
        )

    def wanted(self, template: Template, values: Values, logical_id: str) -> bool:
        """Whether the resource's condition holds."""
        condition = template.resources[logical_id].get("Condition")
        return condition is None or values.condition(condition)

    def values(self, stack: Stack, template: Template, resolved: dict[str, Any]) -> Values:
        """The evaluation of the template's functions for this stack."""
        context = self.context

        def ref(logical_id: str) -> str:
            if logical_id not in stack.resources:
                raise Refused(
                    f"Template format error: Unresolved resource dependencies [{logical_id}] in the Resources block of the template"
                )
            return stack.resources[logical_id].physical_id

        def attribute(logical_id: str, name: str) -> Any:
            if logical_id not in stack.resources:
                raise Refused(f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}")
            resource = stack.resources[logical_id]
            for source in (resource.attributes, resource.properties):
                if name in source:
                    return source[name]
            raise Refused(f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt")

        def imported(name: str) -> str:
            for other in self.living():
                if name in other.exports:
                    return other.exports[name]
            raise Refused(f"No export named {name} found.")

        suffix = "amazonaws.com.cn" if context.partition == "aws-cn" else "amazonaws.com"
        pseudo: dict[str, Any] = {
            "AWS::AccountId": context.account,
            "AWS::Region": self.region,
            "AWS::Partition": context.partition,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": suffix,
            "AWS::NotificationARNs": [],
            "AWS::NoValue": NO_VALUE,
        }
        return Values(
            template=template,
            parameters=resolved,
            pseudo=pseudo,
            ref=ref,
            attribute=attribute,
            imported=imported,
            dynamic=self._dynamic,
            zones=self._zones,
        )

    def outputs(self, stack: Stack, values: Values) -> list[dict[str, str]]:
        """The stack's outputs, exports among them."""
        made = []
        for key, output in stack.template.section("Outputs").items():
            if "Condition" in output and not values.condition(output["Condition"]):
                continue
            value = values.of(output["Value"])
            if isinstance(value, list | dict) or value is NO_VALUE:
                raise Refused(
                    f"Template format error: Output {key} is malformed. The Value field of every Outputs member must evaluate to a String."
                )
            entry = {"OutputKey": key, "OutputValue": str(value)}
            if "Description" in output:
                entry["Description"] = output["Description"]
            if "Export" in output:
                entry["ExportName"] = values.of(output["Export"]["Name"])
                for other in self.living():
                    if other is not stack and entry["ExportName"] in other.exports:
                        raise Refused(
                            f"Export with name {entry['ExportName']} is already exported by stack {other.name}. Rollback requested by user."
                        )
            made.append(entry)
        return made

    def importer(self, stack: Stack) -> tuple[str, str] | None:
        """An export of the stack that another stack imports, with that stack's name."""
        for other in self.living():
            if other is not stack:
                for name in stack.exports:
                    if f'"{name}"' in other.template.body and "Fn::ImportValue" in other.template.body:
                        return name, other.name
        return None

    def _dynamic(self, service: str, rest: str) -> str:
        try:
            if service == "ssm":
                return str(self.context.client("ssm", self.region).get_parameter(Name=rest)["Parameter"]["Value"])
            secret, _, key = rest.removeprefix("arn:").rpartition(":SecretString:")
            name = (("arn:" if rest.startswith("arn:") else "") + secret) or rest
            text = self.context.client("secretsmanager", self.region).get_secret_value(SecretId=name)["SecretString"]
            return str(json.loads(text)[key.split(":")[0]]) if key else str(text)
        except Exception as error:
            raise Refused(f"Unable to resolve {service} value {rest}: {error}") from None

    def _zones(self, region: str) -> list[str]:
        zones = self.context.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        return sorted(zone["ZoneName"] for zone in zones)
