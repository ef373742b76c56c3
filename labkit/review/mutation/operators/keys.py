"""Makes keys and their policies worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.mutation.kit.operator import Operator, places, sets
from labkit.review.mutation.kit.places import Path, Template, at, changed, dropped

_STATEMENTS = "AWS::KMS::Key Properties.KeyPolicy.Statement.*"
_STRANGER = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
    "Action": "kms:Decrypt",
    "Resource": "*",
}


def _for_service(statement: dict[str, Any]) -> bool:
    return isinstance(statement.get("Principal"), dict) and "Service" in statement["Principal"]


def _each_action(template: Template) -> Iterator[Path]:
    """Every action that a key policy gives a service and that the service asks for."""
    for path in places(_STATEMENTS, where=_for_service)(template):
        actions = at(template, path)["Action"]
        if isinstance(actions, list):
            for number, action in enumerate(actions):
                if action in ("kms:Decrypt", "kms:GenerateDataKey"):
                    yield (*path, "Action", number)


def _with_stranger(template: Template, path: Path) -> Template:
    mutant: Template = changed(template, path, lambda statements: [*statements, _STRANGER])
    return mutant


OPERATORS = (
    sets(
        "stop-rotation",
        "A key that does not rotate",
        "security",
        "AWS::KMS::Key Properties.EnableKeyRotation",
        to=False,
    ),
    Operator(
        id="key-policy-without-service",
        title="A key policy that a service is missing from",
        breaks="deployment",
        sites=places(_STATEMENTS, where=_for_service),
        apply=dropped,
    ),
    Operator(
        id="key-policy-without-action",
        title="A key policy that lets a service do less than it needs",
        breaks="deployment",
        sites=_each_action,
        apply=dropped,
    ),
    Operator(
        id="key-policy-without-administrator",
        title="A key that nobody administers",
        breaks="deployment",
        sites=places(_STATEMENTS, where=lambda statement: statement.get("Action") == "kms:*"),
        apply=dropped,
    ),
    Operator(
        id="key-policy-for-stranger",
        title="A key that another account may decrypt with",
        breaks="security",
        sites=places("AWS::KMS::Key Properties.KeyPolicy.Statement"),
        apply=_with_stranger,
    ),
    sets(
        "key-kept-too-short",
        "A key with a waiting period that KMS refuses",
        "deployment",
        "AWS::KMS::Key Properties.PendingWindowInDays",
        to=3,
    ),
)
