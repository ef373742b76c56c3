"""A template stays within CloudFormation's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import REST, Resource

_COUNTS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
_BYTES = 1_000_000
_EXPORT = re.compile(r"[A-Za-z0-9:-]+")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    content = view.template.content
    for part, most in _COUNTS.items():
        count = len(content[part]) if isinstance(content.get(part), dict) else 0
        if count > most:
            yield Fault(
                part,
                count,
                f"a template may have {most}",
                error=f"Template format error: Number of {part.lower()}, {count}, is greater than maximum allowed, {most}",
            )
    if view.size > _BYTES:
        yield Fault(
            "(file)",
            view.size,
            f"a template may have {_BYTES} bytes",
            error="1 validation error detected: Template may not exceed 1000000 bytes in size.",
        )
    if len(str(content.get("Description") or "").encode()) > 1024:
        yield Fault(
            "Description",
            None,
            "a description may have 1024 bytes",
            error="Template format error: 'Description' length is greater than 1024.",
        )
    for logical_id in view.template.resources:
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id):
            yield Fault(f"Resources.{logical_id[:60]}", None, "a logical id has 1 to 255 letters and digits",
                        error=f"Template format error: Resource name {logical_id[:60]} is non alphanumeric.")  # fmt: skip
    yield from _outputs(view)


def _outputs(view: View) -> Iterator[Fault]:
    outputs = view.template.content.get("Outputs")
    seen: dict[str, str] = {}
    for name, body in outputs.items() if isinstance(outputs, dict) else ():
        export = body.get("Export") if isinstance(body, dict) else None
        given = view.text(export.get("Name")) if isinstance(export, dict) else None
        if given is None:
            continue
        if given in seen:
            yield Fault(f"Outputs.{name}.Export.Name", given, f"{seen[given]} exports the same name",
                        error=f"Template format error: Duplicate Export names. More than one output exports {given}.")  # fmt: skip
        seen[given] = name
        literal = re.sub(r"\$\{[^}]*\}", "x", given)
        if not _EXPORT.fullmatch(literal) or len(literal) > 255:
            yield Fault(f"Outputs.{name}.Export.Name", given, "an export's name has letters, digits, colons and hyphens, at most 255",
                        error="Template format error: Output ... is malformed. The Name field of every Export member must be specified and consist only of alphanumeric characters, colons, or hyphens.")  # fmt: skip


CHECK = Check(
    id="deploy-template-within-limits",
    title="A template stays within CloudFormation's limits",
    phase="create",
    why="CloudFormation refuses what is larger, before it creates anything.",
    fix="Split the stack, or shorten what is too long.",
    error="Template format error",
    sources=("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",),
    types=(REST,),
    look=look,
)
