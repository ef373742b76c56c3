"""The CloudFormation API over the engine, in the request and response format that every AWS client speaks."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlparse

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from labkit.rehearsal.context import Context
from labkit.rehearsal.refusal import Refusal
from labkit.rehearsal.stacks.engine import Engine
from labkit.rehearsal.stacks.faults import Refused
from labkit.rehearsal.stacks.stack import Resource, Stack
from labkit.rehearsal.stacks.template import Template, read


class StackService(BaseResponse):
    """One request. ``context`` and ``engines`` are set once, when the server starts."""

    context: Context
    engines: dict[str, Engine]

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        action = self._get_action()
        try:
            if _method(action) not in type(self).__dict__:
                raise NotImplementedError(f"CloudFormation {action}")
            return super().call_action()
        except Refused as refused:
            return self.serialized(ActionResult(Refusal(refused.code, str(refused))))

    @property
    def engine(self) -> Engine:
        region = self.region
        if region not in self.engines:
            self.engines[region] = Engine(self.context, region)
        return self.engines[region]

    def _body(self) -> str | None:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        if body and len(body.encode()) > 51_200:
            raise Refused(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                "Member must have length less than or equal to 51200"
            )
        if not url:
            return None if body is None else str(body)
        place = urlparse(url)
        bucket, _, key = unquote(place.path.lstrip("/")).partition("/")
        if place.hostname not in ("localhost", "127.0.0.1") and not str(place.hostname).startswith("s3"):
            bucket, key = str(place.hostname).split(".")[0], unquote(place.path.lstrip("/"))
        try:
            answer = self.context.client("s3").get_object(Bucket=bucket, Key=key)
        except Exception as error:
            raise Refused(f"S3 error: {error}") from None
        return str(answer["Body"].read().decode())

    def _needed(self) -> str:
        body = self._body()
        if body is None:
            raise Refused("Either Template URL or Template Body must be specified.")
        return body

    def _given(self) -> tuple[dict[str, str], set[str]]:
        given, previous = {}, set()
        for parameter in self._get_param("Parameters") or []:
            if parameter.get("UsePreviousValue"):
                previous.add(parameter["ParameterKey"])
            else:
                given[parameter["ParameterKey"]] = parameter.get("ParameterValue", "")
        return given, previous

    def _tags(self) -> dict[str, str] | None:
        tags = self._get_param("Tags")
        return None if tags is None else {tag["Key"]: tag["Value"] for tag in tags}

    def create_stack(self) -> ActionResult:
        on_failure = self._get_param("OnFailure") or (
            "DO_NOTHING" if self._get_param("DisableRollback") else "ROLLBACK"
        )
        stack = self.engine.create(
            name=self._get_param("StackName"),
            body=self._needed(),
            given=self._given()[0],
            tags=self._tags() or {},
            capabilities=list(self._get_param("Capabilities") or []),
            role_arn=self._get_param("RoleARN"),
            on_failure=on_failure,
            protected=bool(self._get_param("EnableTerminationProtection")),
        )
        return ActionResult({"StackId": stack.id})

    def update_stack(self) -> ActionResult:
        body = None if self._get_param("UsePreviousTemplate") else self._needed()
        given, previous = self._given()
        stack = self.engine.update(
            self._get_param("StackName"),
            body=body,
            given=given,
            previous=previous,
            capabilities=list(self._get_param("Capabilities") or []),
            tags=self._tags(),
            role_arn=self._get_param("RoleARN"),
        )
        return ActionResult({"StackId": stack.id})

    def delete_stack(self) -> ActionResult:
        self.engine.delete(self._get_param("StackName"), retain=set(self._get_param("RetainResources") or []))
        return EmptyResult()

    def describe_stacks(self) -> ActionResult:
        name = self._get_param("StackName")
        stacks = [self.engine.get(name)] if name else self.engine.living()
        return ActionResult({"Stacks": [_described(stack) for stack in stacks]})

    def list_stacks(self) -> ActionResult:
        wanted = self._get_param("StackStatusFilter")
        stacks = [stack for stack in self.engine.stacks.values() if not wanted or stack.status in wanted]
        return ActionResult({"StackSummaries": [_described(stack) for stack in reversed(stacks)]})

    def describe_stack_events(self) -> ActionResult:
        stack = self.engine.get(self._get_param("StackName"))
        events = [
            {
                "StackId": stack.id,
                "StackName": stack.name,
                "EventId": event.event_id,
                "Timestamp": event.timestamp,
                "LogicalResourceId": event.logical_id,
                "PhysicalResourceId": event.physical_id,
                "ResourceType": event.type,
                "ResourceStatus": event.status,
                "ResourceStatusReason": event.reason or None,
            }
            for event in reversed(stack.events)
        ]
        return ActionResult({"StackEvents": events})

    def describe_stack_resources(self) -> ActionResult:
        stack = self.engine.get(self._get_param("StackName") or self._get_param("PhysicalResourceId"))
        only = self._get_param("LogicalResourceId")
        found = [item for item in stack.resources.values() if only in (None, item.logical_id)]
        return ActionResult({"StackResources": [_resource(stack, item) for item in found]})

    def describe_stack_resource(self) -> ActionResult:
        stack = self.engine.get(self._get_param("StackName"))
        logical_id = self._get_param("LogicalResourceId")
        if logical_id not in stack.resources:
            raise Refused(f"Resource {logical_id} does not exist for stack {stack.name}")
        return ActionResult({"StackResourceDetail": _resource(stack, stack.resources[logical_id])})

    def list_stack_resources(self) -> ActionResult:
        stack = self.engine.get(self._get_param("StackName"))
        return ActionResult({"StackResourceSummaries": [_resource(stack, item) for item in stack.resources.values()]})

    def get_template(self) -> ActionResult:
        return ActionResult({"TemplateBody": self.engine.get(self._get_param("StackName")).template.body})

    def validate_template(self) -> ActionResult:
        template = Template(self._needed())
        slots = [
            {"ParameterKey": name, "DefaultValue": slot.get("Default"), "NoEcho": bool(slot.get("NoEcho"))}
            for name, slot in template.section("Parameters").items()
        ]
        return ActionResult({"Parameters": slots, "Capabilities": sorted(template.capabilities_needed())})

    def get_template_summary(self) -> ActionResult:
        name = self._get_param("StackName")
        content = read(self.engine.get(name).template.body if name else self._needed())
        slots = [
            {"ParameterKey": key, "ParameterType": slot.get("Type"), "DefaultValue": slot.get("Default")}
            for key, slot in (content.get("Parameters") or {}).items()
        ]
        types = sorted({resource["Type"] for resource in content["Resources"].values()})
        return ActionResult({"Parameters": slots, "ResourceTypes": types})

    def update_termination_protection(self) -> ActionResult:
        stack = self.engine.get(self._get_param("StackName"))
        stack.protected = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.id})

    def list_exports(self) -> ActionResult:
        exports = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value}
            for stack in self.engine.living()
            for name, value in stack.exports.items()
        ]
        return ActionResult({"Exports": exports})


def _method(action: str) -> str:
    from moto.core.utils import camelcase_to_underscores

    return str(camelcase_to_underscores(action))


def _described(stack: Stack) -> dict[str, Any]:
    values = {name: "****" if name in stack.hidden else _plain(value) for name, value in stack.resolved.items()}
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "Description": stack.template.content.get("Description"),
        "TemplateDescription": stack.template.content.get("Description"),
        "RoleARN": stack.role_arn,
        "Capabilities": stack.capabilities,
        "Outputs": stack.outputs,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": stack.protected,
        "ParentId": stack.parent_id,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _resource(stack: Stack, resource: Resource) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "Timestamp": resource.changed,
        "LastUpdatedTimestamp": resource.changed,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _plain(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
