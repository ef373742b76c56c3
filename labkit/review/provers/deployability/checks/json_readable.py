"""A text that a service reads as JSON is a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ROWS = by_type("json_texts", "text")
_TOKEN = re.compile(r"\$\{[^}]*\}")
_QUOTE = re.compile(r'\\.|"')


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS[resource.type]:
        for path, value in view.listed(resource, row["path"]):
            for given in view.texts(value):
                if _TOKEN.fullmatch(given):
                    continue  # the whole of it is known at deployment
                fault = _fault(given)
                if fault:
                    yield Fault(path, value, fault, error=row["error"], undecided=_is_open(given))
                    break


def _is_open(given: str) -> bool:
    """Tell whether a part that only deployment knows stands outside of quotes, where it may be any piece of JSON."""
    inside, at = False, 0
    for token in _TOKEN.finditer(given):
        inside ^= _QUOTE.findall(given, at, token.start()).count('"') % 2 == 1
        at = token.end()
        if not inside:
            return True
    return False


def _fault(given: str) -> str:
    """What is wrong; a part that only deployment knows counts as a number, or as nothing."""
    told = ""
    for instead in ("1", ""):
        try:
            found = json.loads(_TOKEN.sub(instead, given), strict=False)
        except RecursionError:
            return ""
        except ValueError as error:
            told = told or f"no JSON: {error}"
            continue
        return "" if isinstance(found, dict) else "JSON, but no object"
    return told


CHECK = Check(
    id="deploy-json-readable",
    title="A text that a service reads as JSON is a JSON object",
    phase="create",
    why="To the schema it is any text; the service parses it when the resource is made.",
    fix="Correct the text, or let a program write it: json.dumps, Fn::ToJsonString.",
    error="the text is not valid JSON",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ToJsonString.html",
    ),
    types=tuple(_ROWS),
    look=look,
)
