"""One row per resource type: which API calls create, change, read back and delete it, and what its references return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.rehearsal.context import Context
from labkit.rehearsal.ledger import Label
from labkit.rehearsal.types.shapes import fitted, lost

Properties = dict[str, Any]


@dataclass
class Made:
    """What a created or changed resource returns: Ref, and GetAtt by name."""

    ref: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Scene:
    """One resource while something happens to it.

    Args:
        properties: the template's properties, resolved.
        old: the properties before a change; empty at creation.
        physical_id: what Ref returned until now; empty at creation.
        suffix: twelve random characters for generated names.
        account: where the stack lives, beside ``region`` and ``partition``.
    """

    context: Context
    stack: str
    stack_id: str
    logical_id: str
    type: str
    properties: Properties
    old: Properties = field(default_factory=dict)
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    suffix: str = ""
    region: str
    accepted: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.untaken = dict(self.properties)
        self.dropped: list[str] = []
        self.notes: list[str] = []

    @property
    def account(self) -> str:
        return self.context.account

    @property
    def partition(self) -> str:
        return self.context.partition

    def take(self, *names: str) -> Properties:
        """Some top-level properties, those that are given; whatever is never taken counts as dropped."""
        return {name: self.untaken.pop(name) for name in names if name in self.untaken}

    def rest(self) -> Properties:
        """Every property not taken yet."""
        return self.take(*list(self.untaken))

    def changed(self, *names: str) -> bool:
        """Whether one of these properties differs from before (always at creation, if given)."""
        return any(self.properties.get(name) != self.old.get(name) for name in names)

    def drop(self, path: str) -> None:
        """Say that the emulation did not take a template property, unless its row accepts that with a reason."""
        for accepted, reason in self.accepted.items():
            if path == accepted or path.startswith(accepted + "."):
                self.note(f"{accepted}: {reason}")
                return
        if path not in self.dropped:
            self.dropped.append(path)

    def note(self, text: str) -> None:
        """Say how the emulation differs from AWS for this resource."""
        if text not in self.notes:
            self.notes.append(text)

    def name(self, property: str, *, longest: int = 255, lower: bool = False) -> str:
        """The name given in the template, else one that CloudFormation would generate."""
        given = self.untaken.pop(property, None)
        if given is not None:
            return str(given)
        if self.old:
            return str(self.attributes.get(property, self.physical_id))
        return self.generated(longest=longest, lower=lower)

    def generated(self, *, longest: int = 255, lower: bool = False) -> str:
        """``Stack-LogicalId-SUFFIX``, shortened as CloudFormation does."""
        room = longest - len(self.suffix) - 2
        stack, logical_id = self.stack, self.logical_id
        if len(stack) + len(logical_id) > room:
            half = room // 2
            logical_id = logical_id[: max(half, room - len(stack))]
            stack = stack[: room - len(logical_id)]
        made = f"{stack}-{logical_id}-{self.suffix}"
        return made.lower() if lower else made

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN in the stack's partition, region and account."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account if account is None else account}:{resource}"

    def call(self, service: str, operation: str, parameters: Properties, *, under: str = "") -> dict[str, Any]:
        """Call the emulator's API; parameters that the API does not have are dropped and entered as such.

        Args:
            under: the template path that the parameters come from, for messages.
        """
        return called(self.context, self.region, service, operation, parameters, self.drop, under)

    def retag(
        self,
        service: str,
        resource: Properties,
        *,
        untag: str = "UntagResource",
        tag: str = "TagResource",
        keys: str = "TagKeys",
    ) -> None:
        """Change a resource's tags from the old ones to the template's.

        Args:
            resource: the parameter that names the resource in both operations.
            keys: the parameter of ``untag`` that lists tags by key.
        """
        wanted, before = self.take("Tags").get("Tags"), self.old.get("Tags")
        if wanted == before:
            return
        if before:
            names = list(before) if isinstance(before, dict) else [one["Key"] for one in before]
            self.call(service, untag, {**resource, keys: names})
        if wanted:
            self.call(service, tag, {**resource, "Tags": wanted})

    def kept(self, sent: Properties, answer: Properties, *, but: tuple[str, ...] = ()) -> None:
        """Check that the API reads back what was sent; whatever it lost counts as dropped."""
        for path in lost({key: value for key, value in sent.items() if key not in but}, answer):
            self.drop(path)


def called(
    context: Context,
    region: str,
    service: str,
    operation: str,
    parameters: Properties,
    drop: Callable[[str], None],
    under: str = "",
) -> dict[str, Any]:
    """Call an API with parameters brought into its shape."""
    from botocore import xform_name

    client = context.client(service, region)
    shape = client.meta.service_model.operation_model(operation).input_shape
    sent = fitted(parameters, shape, under, drop) if shape is not None else {}
    answer: dict[str, Any] = getattr(client, xform_name(operation))(**sent)
    return answer


Step = Callable[[Scene], Made]


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one CloudFormation type is emulated.

    Args:
        update: None where CloudFormation replaces the resource on any change.
        replaced_by: properties whose change means replacement, beside those of the published schema.
        accepted: template properties that the emulation does not take, each with the reason why that is all right.
        notes: what differs from AWS for every resource of this type.
    """

    type: str
    label: Label
    create: Step
    update: Step | None
    delete: Callable[[Scene], None]
    replaced_by: frozenset[str] = frozenset()
    accepted: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def nothing(scene: Scene) -> None:
    """For a resource that ends with another one."""
