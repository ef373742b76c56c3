"""Stack operations as CloudFormation does them: in dependency order, with events, rollback and clean-up."""

from __future__ import annotations

import contextlib
import json
import threading
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import Refused, ResourceFailed
from labkit.rehearsal.stacks.resources import Resources
from labkit.rehearsal.stacks.stack import Resource, Stack
from labkit.rehearsal.stacks.template import Template, parameters
from labkit.rehearsal.stacks.values import NO_VALUE, Values

STACK = "AWS::CloudFormation::Stack"
FINISHED = ("_COMPLETE", "_FAILED")
CHANGEABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


class Engine:
    """All stacks of one region."""

    def __init__(self, context: Context, region: str) -> None:
        self.context = context
        self.region = region
        self.stacks: dict[str, Stack] = {}
        self._lock = threading.RLock()
        self._resources = Resources(context, region)

    # What the API asks for

    def create(
        self,
        *,
        name: str,
        body: str,
        given: dict[str, str],
        tags: dict[str, str],
        capabilities: list[str],
        role_arn: str | None,
        on_failure: str,
        protected: bool = False,
        parent_id: str | None = None,
    ) -> Stack:
        """Check a template and start to create its stack.

        Raises:
            Refused: the request or the template is wrong; nothing was created.
        """
        template = Template(body)
        _check_capabilities(template, capabilities)
        with self._lock:
            if any(stack.name == name for stack in self.living()):
                raise Refused(f"Stack [{name}] already exists", "AlreadyExistsException")
            stack_id = f"arn:{self.context.partition}:cloudformation:{self.region}:{self.context.account}:stack/{name}/{uuid.uuid4()}"
            stack = Stack(
                stack_id,
                name,
                template,
                dict(given),
                tags,
                self._now(),
                role_arn,
                capabilities,
                on_failure,
                protected,
                parent_id,
            )
            self._load(stack, template, given)
            self.stacks[stack_id] = stack
        self.context.ledger.forget(name)
        self._tell(stack, "CREATE_IN_PROGRESS", "User Initiated")
        self._start(stack, self._create)
        return stack

    def update(
        self,
        name: str,
        *,
        body: str | None,
        given: dict[str, str],
        previous: set[str],
        capabilities: list[str],
        tags: dict[str, str] | None,
        role_arn: str | None,
    ) -> Stack:
        """Check a changed template or changed parameters and start to apply them.

        Raises:
            Refused: the request is wrong, the stack cannot be updated now, or nothing changed.
        """
        stack = self.get(name)
        if stack.status not in CHANGEABLE:
            raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        template = Template(body) if body is not None else stack.template
        _check_capabilities(template, capabilities)
        values = given | {key: stack.parameters[key] for key in previous if key in stack.parameters}
        same = template.content == stack.template.content and values == stack.parameters
        if same and tags in (None, stack.tags):
            raise Refused("No updates are to be performed.")
        self._values(stack, template, self._parameters(template, values)).check_rules()
        old_template, old_parameters, old_resolved = stack.template, stack.parameters, stack.resolved
        stack.template, stack.parameters = template, values
        self._load(stack, template, values)
        stack.capabilities, stack.role_arn = capabilities or stack.capabilities, role_arn or stack.role_arn
        stack.tags = stack.tags if tags is None else tags
        stack.updated = self._now()

        def restore() -> None:
            stack.template, stack.parameters, stack.resolved = old_template, old_parameters, old_resolved

        self._tell(stack, "UPDATE_IN_PROGRESS", "User Initiated")
        self._start(stack, lambda stack: self._update(stack, restore))
        return stack

    def delete(self, name: str, *, retain: set[str]) -> None:
        """Start to delete a stack; one that does not exist counts as deleted.

        Raises:
            Refused: it is protected, or busy, or another stack uses what it exports.
        """
        try:
            stack = self.get(name)
        except Refused:
            return
        if stack.status == "DELETE_COMPLETE" or stack.status == "DELETE_IN_PROGRESS":
            return
        if stack.protected:
            raise Refused(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith("IN_PROGRESS"):
            self._wait_until_idle(stack)
        if user := self._importer(stack):
            raise Refused(f"Export {user[0]} cannot be deleted as it is in use by {user[1]}")
        self._tell(stack, "DELETE_IN_PROGRESS", "User Initiated")
        self._start(stack, lambda stack: self._delete(stack, retain))

    def get(self, name: str) -> Stack:
        """A stack by name (living ones) or by id (deleted ones too).

        Raises:
            Refused: there is none.
        """
        if name in self.stacks:
            return self.stacks[name]
        for stack in self.living():
            if stack.name == name:
                return stack
        raise Refused(f"Stack with id {name} does not exist")

    def living(self) -> list[Stack]:
        """Stacks that are not deleted."""
        return [stack for stack in self.stacks.values() if stack.status != "DELETE_COMPLETE"]

    def wait(self, stack: Stack) -> None:
        """Wait until a stack operation has ended (for nested stacks)."""
        self._wait_until_idle(stack)

    # Operations

    def _create(self, stack: Stack) -> None:
        values = self._values(stack, stack.template, stack.resolved)
        try:
            for logical_id in stack.template.order:
                if self._wanted(stack.template, values, logical_id):
                    resource = self._declared(stack.template, values, logical_id)
                    self._make(stack, resource, values)
            stack.outputs = self._outputs(stack, values)
        except (ResourceFailed, Refused) as error:
            failed = [item.logical_id for item in stack.resources.values() if item.status == "CREATE_FAILED"]
            reason = f"The following resource(s) failed to create: [{', '.join(failed)}]." if failed else str(error)
            if stack.on_failure == "DO_NOTHING":
                self._tell(stack, "CREATE_FAILED", reason)
                return
            self._tell(stack, "ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
            left = self._remove_all(stack, set(), rollback=True)
            if stack.on_failure == "DELETE" and not left:
                stack.deleted = self._now()
                self._tell(stack, "DELETE_COMPLETE")
            else:
                self._tell(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", _left(left))
            return
        self._tell(stack, "CREATE_COMPLETE")

    def _update(self, stack: Stack, restore: Callable[[], None]) -> None:
        values = self._values(stack, stack.template, stack.resolved)
        before = dict(stack.resources)
        obsolete: list[Resource] = []
        undo: list[Callable[[], None]] = []
        try:
            wanted = [name for name in stack.template.order if self._wanted(stack.template, values, name)]
            for logical_id in wanted:
                fresh = self._declared(stack.template, values, logical_id)
                old = before.get(logical_id)
                if old is None or old.type != fresh.type:
                    stack.resources.pop(logical_id, None)
                    undo.append(lambda made=fresh, old=old: self._undo_make(stack, made, old))  # type: ignore[misc]
                    self._make(stack, fresh, values)
                    if old is not None:
                        obsolete.append(old)
                    continue
                properties = values.of(stack.template.resources[logical_id].get("Properties") or {})
                old.needs, old.deletion_policy = fresh.needs, fresh.deletion_policy
                old.replace_policy = fresh.replace_policy
                if properties != old.properties:
                    changed = self._alter(stack, old, properties)
                    undo.append(lambda old=old, changed=changed: self._undo_alter(stack, old, changed))  # type: ignore[misc]
                    if changed.physical_id != old.physical_id:
                        obsolete.append(old)
            stack.outputs = self._outputs(stack, values)
        except (ResourceFailed, Refused) as error:
            failed = [
                item.logical_id
                for item in stack.resources.values()
                if item.status in ("CREATE_FAILED", "UPDATE_FAILED")
            ]
            told = (
                f"The following resource(s) failed to create or update: [{', '.join(failed)}]."
                if failed
                else str(error)
            )
            self._tell(stack, "UPDATE_ROLLBACK_IN_PROGRESS", told)
            restore()
            try:
                for step in reversed(undo):
                    step()
                stack.resources = {name: stack.resources.get(name, old) for name, old in before.items()}
                self._tell(stack, "UPDATE_ROLLBACK_COMPLETE")
            except ResourceFailed as second:
                self._tell(stack, "UPDATE_ROLLBACK_FAILED", str(second))
            return
        self._tell(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        gone = [old for name, old in before.items() if name not in wanted]
        for old in reversed(_in_order([*obsolete, *gone])):
            keep = old.replace_policy if old in obsolete else old.deletion_policy
            if keep in ("Retain", "RetainExceptOnCreate"):
                stack.resources.pop(old.logical_id, None) if old in gone else None
                continue
            # As in CloudFormation, what cannot be cleaned up is left behind; the event tells it.
            with contextlib.suppress(ResourceFailed):
                self._unmake(stack, old, entered=old in gone)
            if old in gone:
                stack.resources.pop(old.logical_id, None)
        self._tell(stack, "UPDATE_COMPLETE")

    def _delete(self, stack: Stack, retain: set[str]) -> None:
        left = self._remove_all(stack, retain, rollback=False)
        if left:
            self._tell(stack, "DELETE_FAILED", _left(left))
            return
        stack.deleted = self._now()
        stack.outputs = []
        self._tell(stack, "DELETE_COMPLETE")

    def _remove_all(self, stack: Stack, retain: set[str], *, rollback: bool) -> list[str]:
        """Delete in reverse order of need; returns the logical ids that could not be deleted."""
        left: list[str] = []
        blocked: set[str] = set()
        for resource in reversed(_in_order(list(stack.resources.values()))):
            if resource.status == "DELETE_COMPLETE":
                continue
            keeps = resource.deletion_policy == "Retain" or (
                resource.deletion_policy == "RetainExceptOnCreate" and not rollback
            )
            if (keeps and resource.physical_id) or resource.logical_id in retain:
                self._status(stack, resource, "DELETE_SKIPPED")
                continue
            if resource.logical_id in blocked:
                blocked |= resource.needs
                continue
            if not resource.physical_id:
                self._status(stack, resource, "DELETE_COMPLETE")
                continue
            try:
                self._unmake(stack, resource, entered=True)
            except ResourceFailed:
                left.append(resource.logical_id)
                blocked |= resource.needs
        return left

    # Single resources

    def _make(self, stack: Stack, resource: Resource, values: Values) -> None:
        stack.resources[resource.logical_id] = resource
        self._status(stack, resource, "CREATE_IN_PROGRESS")
        try:
            resource.properties = values.of(stack.template.resources[resource.logical_id].get("Properties") or {})
            self._resources.create(stack, resource)
        except (ResourceFailed, Refused) as error:
            self._status(stack, resource, "CREATE_FAILED", str(error))
            raise
        self._status(stack, resource, "CREATE_COMPLETE")

    def _alter(self, stack: Stack, old: Resource, properties: dict[str, Any]) -> Resource:
        self._status(stack, old, "UPDATE_IN_PROGRESS")
        try:
            new = self._resources.change(stack, old, properties)
        except ResourceFailed as error:
            self._status(stack, old, "UPDATE_FAILED", str(error))
            raise
        new.needs = old.needs
        stack.resources[old.logical_id] = new
        self._status(stack, new, "UPDATE_COMPLETE")
        return new

    def _undo_make(self, stack: Stack, made: Resource, old: Resource | None) -> None:
        if made.physical_id:
            self._unmake(stack, made, entered=True)
        stack.resources.pop(made.logical_id, None)
        if old is not None:
            stack.resources[old.logical_id] = old

    def _undo_alter(self, stack: Stack, old: Resource, changed: Resource) -> None:
        if changed.physical_id != old.physical_id:
            self._unmake(stack, changed, entered=False)
            stack.resources[old.logical_id] = old
        else:
            self._alter(stack, changed, old.properties)

    def _unmake(self, stack: Stack, resource: Resource, *, entered: bool) -> None:
        self._status(stack, resource, "DELETE_IN_PROGRESS")
        try:
            self._resources.delete(stack, resource)
        except ResourceFailed as error:
            self._status(stack, resource, "DELETE_FAILED", str(error))
            raise
        self._status(stack, resource, "DELETE_COMPLETE")
        if entered:
            self.context.ledger.status(stack.name, resource.logical_id, "DELETE_COMPLETE")

    # Reading a template for a stack

    def _declared(self, template: Template, values: Values, logical_id: str) -> Resource:
        declaration = template.resources[logical_id]
        return Resource(
            logical_id,
            declaration["Type"],
            {},
            needs=frozenset(template.needs[logical_id]),
            deletion_policy=str(values.of(declaration.get("DeletionPolicy", "Delete"))),
            replace_policy=str(values.of(declaration.get("UpdateReplacePolicy", "Delete"))),
        )

    def _wanted(self, template: Template, values: Values, logical_id: str) -> bool:
        condition = template.resources[logical_id].get("Condition")
        return condition is None or values.condition(condition)

    def _load(self, stack: Stack, template: Template, given: dict[str, str]) -> None:
        stack.resolved = self._parameters(template, given)
        stack.hidden = {
            name for name, slot in template.section("Parameters").items() if str(slot.get("NoEcho")).lower() == "true"
        }
        self._values(stack, template, stack.resolved).check_rules()

    def _parameters(self, template: Template, given: dict[str, str]) -> dict[str, Any]:
        return parameters(template, given, stored=lambda name: self._dynamic("ssm", name))

    def _values(self, stack: Stack, template: Template, resolved: dict[str, Any]) -> Values:
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

    def _outputs(self, stack: Stack, values: Values) -> list[dict[str, str]]:
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

    def _importer(self, stack: Stack) -> tuple[str, str] | None:
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

    # Telling

    def _now(self) -> datetime:
        return self.context.clock.now()

    def _tell(self, stack: Stack, status: str, reason: str = "") -> None:
        with self._lock:
            stack.status, stack.reason = status, reason
            stack.happened(self._now(), stack.name, stack.id, STACK, status, reason)

    def _status(self, stack: Stack, resource: Resource, status: str, reason: str = "") -> None:
        with self._lock:
            resource.status, resource.reason, resource.changed = status, reason, self._now()
            stack.happened(self._now(), resource.logical_id, resource.physical_id, resource.type, status, reason)

    # Threads

    def _start(self, stack: Stack, operation: Callable[[Stack], None]) -> None:
        begun = threading.Event()

        def run() -> None:
            with self.context.clock.working():
                begun.set()
                try:
                    operation(stack)
                except Exception as error:
                    traceback.print_exc()
                    failed = stack.status.split("_IN_PROGRESS")[0] + "_FAILED"
                    self._tell(stack, failed, f"the rehearsal failed: {error!r}")

        threading.Thread(target=run, name=f"stack {stack.name}", daemon=True).start()
        begun.wait()

    def _wait_until_idle(self, stack: Stack) -> None:
        pause = threading.Event()
        while stack.status.endswith("IN_PROGRESS"):
            pause.wait(0.02)


def _check_capabilities(template: Template, given: list[str]) -> None:
    needed = template.capabilities_needed()
    enough = "CAPABILITY_NAMED_IAM" in given or needed <= set(given)
    if not enough:
        raise Refused(f"Requires capabilities : [{', '.join(sorted(needed))}]", "InsufficientCapabilitiesException")


def _in_order(resources: list[Resource]) -> list[Resource]:
    """Resources with those first that others need."""
    by_id = {resource.logical_id: resource for resource in resources}
    done: dict[str, Resource] = {}

    def visit(logical_id: str) -> None:
        if logical_id in done or logical_id not in by_id:
            return
        for other in sorted(by_id[logical_id].needs):
            visit(other)
        done[logical_id] = by_id[logical_id]

    for logical_id in by_id:
        visit(logical_id)
    return list(done.values())


def _left(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]." if logical_ids else ""
