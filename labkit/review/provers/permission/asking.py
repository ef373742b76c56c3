"""Puts a request together from what a person writes: who, what, on what, under which circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.review.provers.permission.context import Context, Values
from labkit.review.provers.permission.principals import Principal, principal
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.symbols import pattern

# What is assumed of a request when nothing else is said: it comes over TLS as AWS's libraries speak it.
_USUAL: dict[str, Values | None] = {"aws:securetransport": ("true",), "s3:tlsversion": ("1.3",)}


@dataclass(frozen=True)
class Request:
    """Who wants to do what, on what, under which circumstances. Wildcards are IAM's."""

    who: Principal
    action: str
    resource: str
    context: Context


def request(
    stack: Stack,
    *,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
    complete: bool = False,
) -> Request | str:
    """Put a request together, or tell what of it does not exist."""
    asker = _principal(stack, principal)
    if asker is None:
        return f"{principal} is no role or user of the template, no service and no ARN"
    arn = located(stack, resource)
    if arn is None:
        return f"{resource} is no resource of the template and no ARN"
    given = {
        key: [_value(stack, item) for item in value] if isinstance(value, (list, tuple)) else _value(stack, value)
        for key, value in (context or {}).items()
    }
    known: dict[str, Values | None] = dict(_USUAL) | asker.context(stack)
    if stack.resource(arn) is not None:
        known["aws:resourceaccount"] = (stack.names.account,)
    return Request(asker, pattern(action), arn, Context.of(given, complete=complete).under(known))


def located(stack: Stack, resource: str) -> str | None:
    """The ARN of a resource given by logical id, with or without a path behind it, or as text; stars as wildcards."""
    if resource == "*" or resource.startswith(("arn:", "${")):
        texts = stack.names.texts({"Fn::Sub": resource})
        return pattern(texts[0].value)
    name, slash, rest = resource.partition("/")
    if name not in stack.names.resources:
        return None
    return pattern(stack.arns[name] + slash + rest)


def _principal(stack: Stack, who: str) -> Principal | None:
    if who.startswith("arn:"):
        who = stack.names.texts({"Fn::Sub": who})[0].value
    return principal(stack, who)


def _value(stack: Stack, value: Any) -> Any:
    if isinstance(value, str) and "${" in value:
        return stack.names.texts({"Fn::Sub": value})[0].value
    return value
