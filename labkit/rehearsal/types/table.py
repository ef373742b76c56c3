"""Rows for types that map one to one onto an API: create, describe, update and delete by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labkit.rehearsal.ledger import Label
from labkit.rehearsal.types.row import Made, Properties, Row, Scene

Answer = dict[str, Any]
Attributes = Callable[[Scene, Answer], dict[str, Any]]
Operation = tuple[str, Callable[[Scene], Properties]]


def simple(
    type: str,
    service: str,
    *,
    create: str,
    delete: Operation,
    name: str = "",
    longest: int = 255,
    update: Operation | str | None = None,
    send: Callable[[Scene, Properties], Properties] | None = None,
    ref: Callable[[Scene, Answer], str] | None = None,
    attributes: Attributes | None = None,
    read: Operation | None = None,
    within: str = "",
    unread: Mapping[str, str] | None = None,
    label: Label = "recorded",
    replaced_by: frozenset[str] = frozenset(),
    accepted: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Row:
    """A row of one API call per verb.

    Args:
        create: the operation; it receives all properties, or what ``send`` makes of them.
        name: the property that CloudFormation fills with a generated name where it is absent.
        update: the operation of a change with its extra parameters, ``"create"`` where the creating call also changes
            (Put...), or None where any change replaces the resource.
        ref: physical id, from the answer of ``create``; default: the name.
        read: operation that reads the resource back; what it lost counts as dropped.
        within: the member of that answer that holds the resource.
        unread: parameters that reading back does not show, each with the reason.
    """
    skip = tuple((unread or {}).keys())

    def named(scene: Scene) -> Properties:
        """The template's properties with the name, given or generated."""
        given = {name: scene.name(name, longest=longest)} if name else {}
        return given | scene.rest()

    def check(scene: Scene, sent: Properties, made: Made) -> None:
        if read is None:
            return
        scene.physical_id, scene.attributes = made.ref, made.attributes
        answer = scene.call(service, read[0], read[1](scene))
        for part in within.split("."):
            answer = (answer[part] if not isinstance(answer[part], list) else answer[part][0]) if part else answer
        scene.kept(sent, answer, but=("Tags", "tags", *skip))

    def make(scene: Scene) -> Made:
        given = named(scene)
        sent = send(scene, dict(given)) if send else given
        answer = scene.call(service, create, sent)
        made = Made(ref(scene, answer) if ref else str(given[name]))
        scene.physical_id = made.ref
        if attributes:
            made.attributes = attributes(scene, answer)
        if name:
            # A later change has to send the generated name again.
            made.attributes.setdefault(name, given[name])
        check(scene, sent, made)
        return made

    def change(scene: Scene) -> Made:
        if update == "create":
            return make(scene)
        assert isinstance(update, tuple)
        given = named(scene)
        sent = (send(scene, given) if send else given) | update[1](scene)
        scene.call(service, update[0], _known(scene, service, update[0], sent))
        made = Made(scene.physical_id, scene.attributes)
        check(scene, sent, made)
        return made

    return Row(
        type=type,
        label=label,
        create=make,
        update=None if update is None else change,
        delete=deleting(service, *delete),
        replaced_by=replaced_by,
        accepted=accepted or {},
        notes=notes,
    )


def _known(scene: Scene, service: str, operation: str, sent: Properties) -> Properties:
    """Parameters of a change without those that the operation lacks and that did not change."""
    shape = scene.context.client(service, scene.region).meta.service_model.operation_model(operation).input_shape
    members = {member.lower() for member in shape.members}
    return {key: value for key, value in sent.items() if key.lower() in members or scene.changed(key)}


def deleting(service: str, operation: str, parameters: Callable[[Scene], Properties]) -> Callable[[Scene], None]:
    """The deletion by one API call."""

    def remove(scene: Scene) -> None:
        scene.call(service, operation, parameters(scene))

    return remove


def by(parameter: str) -> Callable[[Scene], Properties]:
    """The physical id as a parameter of that name."""
    return lambda scene: {parameter: scene.physical_id}
