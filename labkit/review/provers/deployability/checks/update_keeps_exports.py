"""An update keeps every export as other stacks may have imported it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.review.provers.deployability.checks.update_keeps_named import same
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View


# Whether another stack imports an export is not in either template.
def compare(old: View, new: View) -> Iterable[tuple[str, Fault]]:
    after = _exports(new)
    for name, (output, value) in _exports(old).items():
        if name not in after:
            yield (
                "",
                Fault(
                    f"Outputs.{output}.Export",
                    name,
                    "the export goes, which fails while another stack imports it",
                    error=f"Export {name} cannot be deleted as it is in use by <stack>",
                    undecided=True,
                ),
            )
        elif not same(value, after[name][1]):
            yield (
                "",
                Fault(
                    f"Outputs.{output}.Value",
                    value,
                    "the export's value changes, which fails while another stack imports it",
                    error=f"Export {name} cannot be updated as it is in use by <stack>",
                    undecided=True,
                ),
            )


def _exports(view: View) -> dict[str, tuple[str, Any]]:
    found = {}
    outputs = view.template.content.get("Outputs")
    for output, body in outputs.items() if isinstance(outputs, dict) else ():
        export = body.get("Export") if isinstance(body, dict) else None
        name = view.text(export.get("Name")) if isinstance(export, dict) else None
        if name is not None:
            found[name] = (output, body.get("Value"))
    return found


CHECK = Check(
    id="deploy-update-keeps-exports",
    title="An update keeps every export as it is",
    phase="update",
    why="CloudFormation neither removes nor changes an export that a deployed stack imports.",
    fix="Keep the export for one more release (in CDK: exportValue), deploy the importing stacks, then remove it.",
    error="Export <name> cannot be deleted as it is in use by <stack>",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html",
        "https://github.com/aws/aws-cdk/issues/7602",
        "https://github.com/aws/aws-cdk/issues/17741",
    ),
    covers=("DF-131",),
    types=("*",),
    compare=compare,
)
