"""All stacks of one region: requests are checked at once, and carried out in threads of their own."""

from __future__ import annotations

import threading
import traceback
import uuid
from collections.abc import Callable

from labkit.rehearsal.context import Context
from labkit.rehearsal.stacks.faults import Refused
from labkit.rehearsal.stacks.operations import Operations
from labkit.rehearsal.stacks.reading import Reading
from labkit.rehearsal.stacks.stack import Stack
from labkit.rehearsal.stacks.template import Template

CHANGEABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


class Engine:
    """All stacks of one region."""

    def __init__(self, context: Context, region: str) -> None:
        self.context = context
        self.region = region
        self.stacks: dict[str, Stack] = {}
        self._lock = threading.RLock()
        self._reading = Reading(context, region, self.living)
        self._operations = Operations(context, region, self._reading)

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
                self.context.clock.now(),
                role_arn,
                capabilities,
                on_failure,
                protected,
                parent_id,
            )
            self._reading.load(stack, template, given)
            self.stacks[stack_id] = stack
        self.context.ledger.forget(name)
        stack.tell(self.context.clock.now(), "CREATE_IN_PROGRESS", "User Initiated")
        self._start(stack, self._operations.create)
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
        self._reading.values(stack, template, self._reading.parameters(template, values)).check_rules()
        old_template, old_parameters, old_resolved = stack.template, stack.parameters, stack.resolved
        stack.template, stack.parameters = template, values
        self._reading.load(stack, template, values)
        stack.capabilities, stack.role_arn = capabilities or stack.capabilities, role_arn or stack.role_arn
        stack.tags = stack.tags if tags is None else tags
        stack.updated = self.context.clock.now()

        def restore() -> None:
            stack.template, stack.parameters, stack.resolved = old_template, old_parameters, old_resolved

        stack.tell(self.context.clock.now(), "UPDATE_IN_PROGRESS", "User Initiated")
        self._start(stack, lambda stack: self._operations.update(stack, restore))
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
            if self.context.clock.ticking:
                # A schedule asks: emulated time goes on once it has its answer, and only then the stack can get idle.
                threading.Thread(target=self._delete_when_idle, args=(stack, retain), daemon=True).start()
                return
            self._wait_until_idle(stack)
        if user := self._reading.importer(stack):
            raise Refused(f"Export {user[0]} cannot be deleted as it is in use by {user[1]}")
        stack.tell(self.context.clock.now(), "DELETE_IN_PROGRESS", "User Initiated")
        self._start(stack, lambda stack: self._operations.delete(stack, retain))

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
                    stack.tell(self.context.clock.now(), failed, f"the rehearsal failed: {error!r}")

        threading.Thread(target=run, name=f"stack {stack.name}", daemon=True).start()
        begun.wait()

    def _delete_when_idle(self, stack: Stack, retain: set[str]) -> None:
        with self.context.clock.working():
            self.context.clock.wait_until(lambda: not stack.status.endswith("IN_PROGRESS"))
            self.delete(stack.id, retain=retain)

    def _wait_until_idle(self, stack: Stack) -> None:
        while stack.status.endswith("IN_PROGRESS"):
            # What is under way may itself wait for emulated time, such as an endpoint whose traffic is shifted.
            self.context.clock.advance(15)


def _check_capabilities(template: Template, given: list[str]) -> None:
    needed = template.capabilities_needed()
    enough = "CAPABILITY_NAMED_IAM" in given or needed <= set(given)
    if not enough:
        raise Refused(f"Requires capabilities : [{', '.join(sorted(needed))}]", "InsufficientCapabilitiesException")
