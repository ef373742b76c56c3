"""Tells a customer's key from one that AWS manages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.rule import Problem
from stacks.rules.kit.template import Template
from stacks.rules.kit.values import Found, texts

KEY_TYPES = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias")


def is_customer_key(value: Any, template: Template) -> bool:
    """Tell whether a value names a customer-managed key: one of the template, a parameter, or an ARN given."""
    if value is None or value == "":
        return False
    if any("alias/aws/" in text for text in texts(value)):
        return False
    named = template.target(value)
    return named is None or named.type in KEY_TYPES


def expect_key(found: Iterable[Found], template: Template, message: str) -> Iterator[Problem]:
    """Yield a problem for each value that is no customer-managed key."""
    for path, value in found:
        if not is_customer_key(value, template):
            yield Problem(path, value, message)
