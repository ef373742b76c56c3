"""Variables, functions and conditions of a pipeline definition, filled in and decided when a step runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.artefact import split
from labkit.rehearsal.runtime.pipelines_definition import Definition, is_variable

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_PART = re.compile(r"\[['\"]([^'\"]+)['\"]\]|\[(\d+)\]|([^.\[\]]+)")
_DURATION = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)


class ValueMissing(Exception):
    """A variable has no value; the message is the step's failure reason."""


class Values:
    """What variables stand for in one execution.

    Args:
        steps: what each step that is over gave, as its Describe operation answers.
        about: ``Execution.*``.
    """

    def __init__(
        self,
        context: Context,
        definition: Definition,
        *,
        parameters: dict[str, Any],
        about: dict[str, str],
        steps: dict[str, dict[str, Any]],
    ) -> None:
        self._context, self._definition = context, definition
        self._parameters, self._about, self._steps = parameters, about, steps

    def of(self, value: Any) -> Any:
        """``value`` with every variable filled in.

        Raises:
            ValueMissing: one has no value.
        """
        if is_variable(value):
            ((kind, inside),) = value.items()
            fill: dict[str, Callable[[Any], Any]] = {
                "Get": self._get,
                "Std:Join": self._join,
                "Std:JsonGet": self._json,
            }
            return fill[kind](inside)
        if isinstance(value, dict):
            return {name: self.of(item) for name, item in value.items()}
        return [self.of(item) for item in value] if isinstance(value, list) else value

    def holds(self, condition: dict[str, Any]) -> bool:
        """Whether a condition is true.

        Raises:
            ValueMissing: a variable has no value, or the condition is of no known type.
        """
        kind = condition.get("Type", "")
        if kind == "Not":
            return not self.holds(condition["Expression"])
        if kind == "Or":
            return any(self.holds(item) for item in condition["Conditions"])
        if kind == "In":
            wanted = self.of(condition["QueryValue"])
            return any(_equal(wanted, self.of(item)) for item in condition["Values"])
        compare: dict[str, Callable[[Any, Any], bool]] = {
            "Equals": _equal,
            "GreaterThan": lambda left, right: left > right,
            "GreaterThanOrEqualTo": lambda left, right: left >= right,
            "LessThan": lambda left, right: left < right,
            "LessThanOrEqualTo": lambda left, right: left <= right,
        }
        if kind not in compare:
            raise ValueMissing(f"ClientError: there is no condition of type {kind}")
        left, right = self.of(condition["LeftValue"]), self.of(condition["RightValue"])
        try:
            return compare[kind](left, right)
        except TypeError:
            message = f"ClientError: {kind} cannot compare {left!r} and {right!r}"
            raise ValueMissing(message) from None

    def _get(self, path: str) -> Any:
        root, _, rest = path.partition(".")
        if root == "Parameters":
            return self._parameters[rest]
        if root == "Execution":
            if rest == "CurrentDateTime":
                return f"{self._context.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
            if rest not in self._about:
                raise ValueMissing(f"ClientError: {path} is not an execution variable")
            return self._about[rest]
        step, _, inside = rest.partition(".")
        if step not in self._steps:
            raise ValueMissing(f"ClientError: {path} has no value: step {step} did not run")
        return find(self._steps[step], inside, path)

    def _join(self, given: dict[str, Any]) -> str:
        values = self.of(given["Values"])
        return str(given.get("On", "")).join(_text(item) for item in values)

    def _json(self, given: dict[str, Any]) -> Any:
        place = self.of(given["S3Uri"]) if "S3Uri" in given else self._property_file(given["PropertyFile"])
        bucket, key = split(place)
        try:
            text = self._context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            content = json.loads(text)
        except Exception as error:
            raise ValueMissing(f"ClientError: Property file {place} cannot be read: {error}") from None
        return find(content, given["Path"], f"{place} {given['Path']}")

    def _property_file(self, given: Any) -> str:
        """``Steps.NAME.PropertyFiles.FILE``: a file in an output of that step's processing job."""
        reference = given["Get"] if isinstance(given, dict) else str(given)
        _, step, _, name = reference.split(".", 3)
        files = self._definition.steps[step].get("PropertyFiles", [])
        file = next((item for item in files if item["PropertyFileName"] == name), None)
        if file is None:
            raise ValueMissing(f"ClientError: step {step} has no property file {name}")
        path = f"ProcessingOutputConfig.Outputs['{file['OutputName']}'].S3Output.S3Uri"
        return f"{self._get(f'Steps.{step}.{path}').rstrip('/')}/{file['FilePath']}"


def find(content: Any, path: str, what: str) -> Any:
    """A part of an answer: ``a.b[0]['name']``; in a list, a name finds the item that bears it.

    Raises:
        ValueMissing: there is none.
    """
    found = content
    for quoted, number, plain in _PART.findall(path):
        name = quoted or plain
        if number:
            inside = isinstance(found, list) and int(number) < len(found)
            found = found[int(number)] if inside else _none(what)
        elif isinstance(found, dict):
            found = found[name] if name in found else _none(what)
        elif isinstance(found, list):
            found = next((item for item in found if isinstance(item, dict) and name in _names(item)), None)
            if found is None:
                _none(what)
        else:
            _none(what)
    return found


def duration(text: str) -> timedelta:
    """An ISO 8601 duration, also as the guide writes it (``30d``, ``T16m``); a year has 365 days, a month 30."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueMissing(f"ClientError: ExpireAfter {text} is not an ISO 8601 duration such as P30D or PT1H")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = 365 * years + 30 * months + 7 * weeks + days
    return timedelta(days=total, hours=hours, minutes=minutes, seconds=seconds)


def moment(text: datetime) -> str:
    """A time as execution variables have it."""
    return f"{text.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _names(item: dict[str, Any]) -> list[Any]:
    return [value for name, value in item.items() if name.endswith("Name")]


def _none(what: str) -> Any:
    raise ValueMissing(f"ClientError: {what} has no value")


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)
